import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { errorKinds, PyroError, type ErrorBody } from "../contract/errors.js";
import { openAppending, readFile, type FileHandle } from "../host/files.js";
import type { Home } from "../host/home.js";
import { findLockHolder } from "../host/locks.js";
import { spawnDetached, type ChildProcess } from "../host/spawn.js";
import { connectUnix } from "../host/socket.js";
import { findFlock } from "./flock.js";
import { scrubEnvironment } from "./scrub.js";

/** How long a daemon or bridge may take until it listens: node alone takes 10 s on a host with 20 programs for each processor. */
export const START_DEADLINE_MS = 45_000;
/** The pauses between looks grow, since each takes processor time from the daemon. */
const [POLL_MS, LONGEST_POLL_MS] = [5, 50];
/** While another daemon starts or ends, it holds the lock. */
const LOCK_HELD = 75;
const LOCK_RETRY_MS = 100;

/**
 * Starts the daemon of a home and waits until it listens. Any number of callers at once start one, since it
 * runs under a lock that lives as long as it does. Throws DAEMON_UNREACHABLE, or the error that the daemon ended with.
 */
export async function startDaemon(home: Home, env: NodeJS.ProcessEnv, deadlineMs = START_DEADLINE_MS): Promise<void> {
  const end = performance.now() + deadlineMs;
  let pauseMs = POLL_MS;
  let starter = await spawnDaemon(home, env);
  let retryAt = performance.now() + LOCK_RETRY_MS;
  while (!(await listens(home.daemonSocket))) {
    if (starter.exitCode === LOCK_HELD) {
      if (performance.now() > retryAt) {
        starter = await spawnDaemon(home, env);
        retryAt = performance.now() + LOCK_RETRY_MS;
      }
    } else if (starter.exitCode !== null || starter.signalCode !== null) {
      throw await startError(home, "The daemon ended while it was starting.");
    }
    if (performance.now() > end) throw await lateError(home, starter, deadlineMs);
    await sleep(pauseMs);
    pauseMs = Math.min(LONGEST_POLL_MS, pauseMs * 1.05);
  }
}

/**
 * Bounds the part of the daemon's heap for new objects. Pieces of streams die at once, and with the 16 MiB of Node.js the daemon took 40 MiB
 * more after a GiB (docs/decisions/0025).
 */
const HEAP_FLAG = "--max-semi-space-size=4";

async function spawnDaemon(home: Home, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const flock = await findFlock(env);
  const main = fileURLToPath(new URL("../daemon/main.js", import.meta.url));
  const log = await openLogFile(home);
  try {
    const node = [process.execPath, HEAP_FLAG, main];
    const child = spawnDetached(flock, ["-n", "-F", "-E", String(LOCK_HELD), home.daemonLock, ...node], {
      env: scrubEnvironment(env, home.path),
      outputFd: log.fd,
      cwd: "/",
    });
    child.on("error", () => {});
    child.unref();
    return child;
  } finally {
    await log.close();
  }
}

async function openLogFile(home: Home): Promise<FileHandle> {
  try {
    return await openAppending(home.daemonLog);
  } catch (error) {
    const coded = PyroError.from(error);
    if (coded.code === "DISK_FULL") throw coded;
    throw new PyroError("HOME_UNUSABLE", `PYRO_HOME ${home.path} is not writable: ${coded.message}.`, { cause: error });
  }
}

async function listens(socketPath: string): Promise<boolean> {
  try {
    (await connectUnix(socketPath)).destroy();
    return true;
  } catch {
    return false;
  }
}

/** A lock that is held while no socket listens belongs to a daemon that hangs, or to some other program. */
async function lateError(home: Home, starter: ChildProcess, deadlineMs: number): Promise<PyroError> {
  const pid = findLockHolder(home.daemonLock);
  if (pid === null || pid === starter.pid) {
    return startError(home, `The daemon did not listen within ${deadlineMs / 1000} s.`);
  }
  return new PyroError(
    "DAEMON_UNREACHABLE",
    `No daemon listens, and process ${pid} holds the lock ${home.daemonLock}.`,
    {
      hint: `End it with \`kill ${pid}\`, or \`kill -9 ${pid}\` when that does not help, and try again. Tasks are kept.`,
      details: { lock: home.daemonLock, pid, log: home.daemonLog },
    },
  );
}

/** The daemon's last message: a coded error unchanged, any other text as a detail. */
async function startError(home: Home, message: string): Promise<PyroError> {
  const text = await readFile(home.daemonLog, "utf8").catch(() => "");
  const lastLine = text.trimEnd().split("\n").at(-1) ?? "";
  const body = parseErrorBody(lastLine);
  if (body) return PyroError.fromBody(body);
  return new PyroError("DAEMON_UNREACHABLE", message, { details: { log: home.daemonLog, last_line: lastLine } });
}

function parseErrorBody(line: string): ErrorBody | null {
  try {
    const body = JSON.parse(line) as ErrorBody;
    return Object.hasOwn(errorKinds, body.code) && typeof body.message === "string" ? body : null;
  } catch {
    return null;
  }
}
