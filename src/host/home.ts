import { lstatSync, mkdtempSync, readFileSync, realpathSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, isAbsolute, join, resolve } from "node:path";

import { PyroError } from "../contract/errors.js";
import { isOurDirectory, makePrivateDirectory, readLink } from "./private-directory.js";
import { shortDigest } from "./short-digest.js";

/** The directories of one user's pyro on this host. */
export interface Home {
  /** Persistent files: environments, templates, VMs, the log. */
  readonly path: string;
  /** Sockets. Short, since a unix socket's path holds 107 bytes. */
  readonly runtime: string;
  readonly daemonSocket: string;
  readonly daemonLock: string;
  readonly daemonLog: string;
  readonly auditLog: string;
}

/** The longest path beneath `runtime` is `/vm-` + 12 characters + `/agent.sock`. */
const LONGEST_RUNTIME_PATH = 107 - 28;

/**
 * Finds the home and makes its directories, private to the user. A home that is a symbolic link stands for its target. Throws
 * HOME_UNUSABLE when one belongs to another user, was open to others, is not writable, or is too long for sockets.
 */
export function openHome(env: NodeJS.ProcessEnv = process.env): Home {
  const named = findHomePath(env);
  makePrivateDirectory(named, "PYRO_HOME", "followed");
  const path = realpathSync(named);
  const [daemonLock, daemonLog, auditLog] = ["daemon.lock", "daemon.log", "audit.log"].map((name) => join(path, name));
  for (const file of [daemonLock, daemonLog, auditLog]) assertPlainFile(file!);
  const runtime = openRuntime(path, env);
  return {
    path,
    runtime,
    daemonSocket: join(runtime, "daemon.sock"),
    daemonLock: daemonLock!,
    daemonLog: daemonLog!,
    auditLog: auditLog!,
  };
}

/**
 * The path of the home, whether or not it exists: the value of PYRO_HOME, or `~/.pyro`. A leading `~/` is the user's directory, even if
 * no shell has expanded it, as in the configuration of an MCP client. A relative path is refused, since such a client starts pyro in
 * any directory.
 */
export function findHomePath(env: NodeJS.ProcessEnv): string {
  const text = env["PYRO_HOME"] || "~/.pyro";
  const path = text === "~" || text.startsWith("~/") ? join(homedir(), text.slice(1)) : text;
  if (isAbsolute(path)) return resolve(path);
  throw new PyroError("HOME_UNUSABLE", `PYRO_HOME is ${text}, which is not an absolute path.`, {
    hint: "Set PYRO_HOME to an absolute path, or to one that begins with ~/. Variables and ~user are not expanded.",
    details: { path: text },
  });
}

/** Throws for a link or another entry instead of a file that the daemon opens: the daemon would write to a place that another user chose. */
function assertPlainFile(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined || stat.isFile()) return;
  throw new PyroError("HOME_UNUSABLE", `${path} is ${stat.isSymbolicLink() ? "a symbolic link" : "not a file"}.`, {
    hint: `pyro creates this file itself. Check the existing entry, then remove it: rm -r ${path}`,
    details: { path },
  });
}

/**
 * The runtime directory, remembered by a link in the home: a login shell and a cron job see other variables, and must
 * use the same daemon. A missing one, as after a reboot, is chosen again.
 */
function openRuntime(homePath: string, env: NodeJS.ProcessEnv): string {
  const link = join(homePath, "run");
  const known = readLink(link);
  // A copied home contains the original's link.
  if (known !== null && isOurDirectory(known) && isRuntimeOf(known, homePath)) return known;
  const runtime = join(runtimeParent(env), runtimeNameOf(homePath));
  if (Buffer.byteLength(runtime) > LONGEST_RUNTIME_PATH) {
    throw new PyroError("HOME_UNUSABLE", `The runtime directory ${runtime} is too long for a unix socket.`, {
      hint: "Set XDG_RUNTIME_DIR or TMPDIR to a shorter path.",
      details: { path: runtime, max_bytes: LONGEST_RUNTIME_PATH },
    });
  }
  makePrivateDirectory(runtime, "The runtime directory");
  writeFileSync(join(runtime, OWNER), homePath, { mode: 0o600 });
  const fresh = `${link}.${process.pid}`;
  symlinkSync(runtime, fresh);
  renameSync(fresh, link);
  return runtime;
}

/** The file in a runtime directory with the path of its home. Directories of earlier versions have only their name, a digest that takes 2 ms. */
const OWNER = "home";

function isRuntimeOf(runtime: string, homePath: string): boolean {
  return readText(join(runtime, OWNER)) === homePath || basename(runtime) === runtimeNameOf(homePath);
}

function runtimeNameOf(homePath: string): string {
  return shortDigest(homePath, 12);
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/**
 * A directory that only this user can use: in XDG_RUNTIME_DIR when that belongs to the user (after `su` it often does not), otherwise
 * beneath the temporary directory. If another user has taken the name there, the name gets a random end.
 */
function runtimeParent(env: NodeJS.ProcessEnv): string {
  const xdg = env["XDG_RUNTIME_DIR"];
  const named = join(tmpdir(), `pyro-${process.getuid!()}`);
  for (const candidate of [...(xdg && isOurDirectory(xdg) ? [join(xdg, "pyro")] : []), named]) {
    try {
      makePrivateDirectory(candidate, "The runtime directory");
      return candidate;
    } catch (error) {
      if (PyroError.from(error).code !== "HOME_UNUSABLE") throw error;
    }
  }
  try {
    return mkdtempSync(`${named}-`);
  } catch (error) {
    throw new PyroError("HOME_UNUSABLE", `No runtime directory can be made in ${tmpdir()}.`, {
      hint: "Set XDG_RUNTIME_DIR or TMPDIR to a directory of your own.",
      details: { path: tmpdir() },
      cause: error,
    });
  }
}
