import { readRelayFacts, relay } from "../../client/relay.js";
import type { Input } from "./arguments.js";
import { print } from "./show.js";

/** `pyro relay`: the far end of a client on another machine. */
export async function performRelay({ facts, find }: Input): Promise<number> {
  if (facts === true) return print(`${JSON.stringify(await readRelayFacts(process.env, find !== true))}\n`);
  await relay(process.env);
  return 0;
}
