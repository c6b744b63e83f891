import { readRelayFacts, relay } from "../../client/relay.js";
import type { Input } from "./arguments.js";
import { jsonLine } from "./json-line.js";
import { print } from "./show.js";

/** `pyro relay`: the far end of a client on another machine. */
export async function performRelay({ facts, find }: Input): Promise<number> {
  if (facts === true) return print(jsonLine(await readRelayFacts(process.env, find !== true)));
  await relay(process.env);
  return 0;
}
