import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
} from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

import { PyroError } from "../contract/errors.js";

/** Where one user's pyro lives on this host. */
export interface Home {
  /** What lasts: environments, templates, VMs, the log. */
  readonly path: string;
  /** Sockets. Short, since a unix socket's path holds 107 bytes. */
  readonly runtime: string;
  readonly daemonSocket: string;
  readonly daemonLock: string;
  readonly daemonLog: string;
}

/** The longest path beneath `runtime` is `/vm-` + 12 characters + `/agent.sock`. */
const LONGEST_RUNTIME_PATH = 107 - 28;

/**
 * Finds the home and makes its directories, private to the user.
 * Throws HOME_UNUSABLE when one is not ours, not writable or too long for sockets.
 */
export function openHome(env: NodeJS.ProcessEnv = process.env): Home {
  const path = findHomePath(env);
  makePrivateDirectory(path, "PYRO_HOME");
  const runtime = openRuntime(path, env);
  return {
    path,
    runtime,
    daemonSocket: join(runtime, "daemon.sock"),
    daemonLock: join(path, "daemon.lock"),
    daemonLog: join(path, "daemon.log"),
  };
}

/** Where the home is, whether or not it exists. */
export function findHomePath(env: NodeJS.ProcessEnv): string {
  return resolve(env["PYRO_HOME"] || join(homedir(), ".pyro"));
}

/**
 * The runtime directory, remembered by a link in the home: a login shell and a cron job see other variables, and must
 * meet the same daemon. One that is gone, as after a reboot, is chosen anew.
 */
function openRuntime(homePath: string, env: NodeJS.ProcessEnv): string {
  const link = join(homePath, "run");
  const key = createHash("sha256").update(homePath).digest("hex").slice(0, 12);
  const known = readLink(link);
  // A copy of a home has the link of the original; the name tells whose it is.
  if (known !== null && basename(known) === key && isOurDirectory(known)) return known;
  const runtime = join(runtimeParent(env), key);
  if (Buffer.byteLength(runtime) > LONGEST_RUNTIME_PATH) {
    throw new PyroError("HOME_UNUSABLE", `The runtime directory ${runtime} is too long for a unix socket.`, {
      hint: "Set XDG_RUNTIME_DIR or TMPDIR to a shorter path.",
      details: { path: runtime, max_bytes: LONGEST_RUNTIME_PATH },
    });
  }
  makePrivateDirectory(runtime, "The runtime directory");
  const fresh = `${link}.${process.pid}`;
  symlinkSync(runtime, fresh);
  renameSync(fresh, link);
  return runtime;
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function isOurDirectory(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === userInfo().uid;
}

/** XDG_RUNTIME_DIR when it is ours: after `su` it is often somebody else's. */
function runtimeParent(env: NodeJS.ProcessEnv): string {
  const xdg = env["XDG_RUNTIME_DIR"];
  const parent = xdg && isOurDirectory(xdg) ? join(xdg, "pyro") : join(tmpdir(), `pyro-${userInfo().uid}`);
  makePrivateDirectory(parent, "The runtime directory");
  return parent;
}

function makePrivateDirectory(path: string, what: string): void {
  const fail = (reason: string, cause?: unknown) =>
    new PyroError("HOME_UNUSABLE", `${what} ${path} ${reason}.`, { details: { path }, cause });
  try {
    makeDirectories(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOSPC" || code === "EDQUOT") throw PyroError.from(error);
    throw fail(`cannot be made (${code ?? "unknown reason"})`, error);
  }
  const stat = lstatSync(path);
  if (!stat.isDirectory()) throw fail("is not a directory");
  if (stat.uid !== userInfo().uid) throw fail("belongs to somebody else");
  if ((stat.mode & 0o300) !== 0o300) throw fail("is not writable");
  if ((stat.mode & 0o077) === 0) return;
  // Closing a directory to others is right for one of pyro's own, and a disaster for /etc.
  if (!isEmptyOrOurs(path)) throw fail("is open to others and holds files that are not pyro's");
  chmodSync(path, 0o700);
}

function isEmptyOrOurs(path: string): boolean {
  const names = readdirSync(path);
  return names.length === 0 || names.includes("daemon.log");
}

/** Like `recursive: true`, which never returns beneath /proc in Node 20: a missing parent looks missing for ever. */
function makeDirectories(path: string): void {
  if (existsSync(path)) return;
  makeDirectories(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
