import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { PyroError, type ErrorBody } from "../../contract/errors.js";
import { openAppending, readFile } from "../../host/files.js";
import { connectUnix } from "../../host/socket.js";
import { spawnDetached, type ChildProcess } from "../../host/spawn.js";
import { findFlock } from "../flock.js";
import { START_DEADLINE_MS } from "../start.js";
import type { BridgePlace } from "./place.js";

const POLL_MS = 5;
/** While another bridge starts or ends, it holds the lock. */
const LOCK_HELD = 75;
const RETRY_MS = 100;

/** Starts the bridge of a context, and waits until it listens. Any number of callers at once start one. Throws DAEMON_UNREACHABLE. */
export async function startBridge(place: BridgePlace): Promise<void> {
  const end = performance.now() + START_DEADLINE_MS;
  for (let starter = await spawnBridge(place); !(await listens(place.socket));) {
    const hasFailed = starter.exitCode !== null || starter.signalCode !== null;
    if (hasFailed && starter.exitCode !== LOCK_HELD)
      throw await explain(place, "The bridge ended while it was starting.");
    if (performance.now() > end)
      throw await explain(place, `The bridge did not listen within ${START_DEADLINE_MS / 1000} s.`);
    if (starter.exitCode === LOCK_HELD) {
      await sleep(RETRY_MS);
      if (await listens(place.socket)) return;
      starter = await spawnBridge(place);
    }
    await sleep(POLL_MS);
  }
}

/** It gets the whole environment: credential plugins may need any of it. */
async function spawnBridge({ context, home, env, lock, log }: BridgePlace): Promise<ChildProcess> {
  const flock = await findFlock(env);
  const main = fileURLToPath(new URL("main.js", import.meta.url));
  const output = await openAppending(log);
  try {
    const args = ["-n", "-F", "-E", String(LOCK_HELD), lock, process.execPath, main, context.name];
    const child = spawnDetached(flock, args, { env: { ...env, PYRO_HOME: home.path }, outputFd: output.fd, cwd: "/" });
    child.unref();
    return child;
  } finally {
    await output.close();
  }
}

async function listens(path: string): Promise<boolean> {
  return connectUnix(path).then(
    (socket) => (socket.destroy(), true),
    () => false,
  );
}

async function explain({ log, context }: BridgePlace, message: string): Promise<PyroError> {
  const line = (await readFile(log, "utf8").catch(() => "")).trimEnd().split("\n").at(-1) ?? "";
  try {
    const body = JSON.parse(line) as ErrorBody;
    if (typeof body.code === "string") return PyroError.fromBody(body);
  } catch {
    // It is another text.
  }
  return new PyroError("DAEMON_UNREACHABLE", message, { details: { context: context.name, log, last_line: line } });
}
