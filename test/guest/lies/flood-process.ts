import { LyingAgent } from "./lying-agent.js";

/** A guest that sends frames without bytes to each host while the host reads, in a process of its own. Prints where it listens. */
const agent = await LyingAgent.listen({
  tell: (liar) => liar.flood(liar.bytesOf("window", 1, Buffer.alloc(0)), Infinity),
});
process.once("SIGTERM", () => void agent[Symbol.asyncDispose]());
console.log(agent.socketPath);
