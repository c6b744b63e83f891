import { readContract } from "../contract/rendered.js";
import { joinStreams, openUnix } from "../host/socket.js";
import { Client } from "./client.js";
import { LOCAL } from "./contexts/context.js";
import type { RelayFacts } from "./transport/relay-facts.js";

/** Where this machine's daemon listens; starts it unless `start` is false. Throws as any call does. */
export async function readRelayFacts(env: NodeJS.ProcessEnv, start: boolean): Promise<RelayFacts> {
  const client = openOwn(env);
  const status = await (start ? client.call("daemon.status", {}) : client.callRunning("daemon.status", {}));
  const { path: home, daemonSocket: socket, daemonLog: log } = client.home;
  return { relay: 1, version: readContract().version, home, log, socket, running: status !== null };
}

/** Joins standard input and output with one stream to this machine's daemon, until it ends. */
export async function relay(env: NodeJS.ProcessEnv): Promise<void> {
  const { socket } = await readRelayFacts(env, true);
  await joinStreams(openUnix(socket), process.stdin, process.stdout);
}

/** A relay always leads to this machine; the current context does not matter. */
function openOwn(env: NodeJS.ProcessEnv): Client {
  return new Client({ ...env, PYRO_CONTEXT: LOCAL });
}
