import type { Script } from "./lying-agent.js";

/** The operation of the host during which the guest lies. */
export type Act =
  | "open"
  | "stat"
  | "committed"
  | "start"
  | "follow"
  | "stage"
  | "manifest"
  | "list"
  | "read"
  | "write"
  | "fetch";

/** One thing that a hostile guest may send. */
export interface Lie extends Script {
  readonly title: string;
  readonly act: Act;
  /**
   * `closed`: the channel ends with AGENT_PROTOCOL. `harmless`: it lives, and the agent's next answer arrives. `silent`: it lives, and
   * its requests end at their time-outs. `not started`: no session starts before the deadline.
   */
  readonly end: "closed" | "harmless" | "silent" | "not started";
}

type Tell = NonNullable<Script["tell"]>;

/** A lie that ends the channel, sent when the host requests something. */
export function lie(act: Act, title: string, tell: Tell, end: Lie["end"] = "closed"): Lie {
  return { act, title, tell, end };
}

/** A lie in the greeting. */
export function greeting(title: string, greet: NonNullable<Script["greet"]>, end: Lie["end"] = "closed"): Lie {
  return { act: "open", title, greet, end };
}
