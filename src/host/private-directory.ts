import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, statSync, type Stats } from "node:fs";

import { dirname } from "node:path";

import { PyroError } from "../contract/errors.js";

type Fail = (reason: string, hint?: string, cause?: unknown) => PyroError;

/**
 * Makes a directory that belongs to this user alone, with its parents. Throws HOME_UNUSABLE, which names it as `what`, when it belongs
 * to another user, has unknown entries, or was open to others who may have put something into it.
 */
export function makePrivateDirectory(path: string, what: string, links: "followed" | "refused" = "refused"): void {
  const fail: Fail = (reason, hint, cause) =>
    new PyroError("HOME_UNUSABLE", `${what} ${path} ${reason}.`, { ...(hint && { hint }), details: { path }, cause });
  try {
    makeDirectories(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOSPC" || code === "EDQUOT") throw PyroError.from(error);
    throw fail(`cannot be made (${code ?? "unknown reason"})`, undefined, error);
  }
  const stat = links === "followed" ? statSync(path, { throwIfNoEntry: false }) : lstatSync(path);
  if (stat === undefined) throw fail(`is a symbolic link to ${readLink(path)}, which does not exist`);
  if (!stat.isDirectory()) throw fail("is not a directory");
  if (stat.uid !== process.getuid!()) throw fail("belongs to another user");
  if ((stat.mode & 0o300) !== 0o300) throw fail("is not writable", `Make it yours alone: chmod 700 ${path}`);
  if ((stat.mode & 0o077) !== 0) closeToOthers(path, stat, fail);
}

/** Closing a directory to others is right for one of pyro's own, and a disaster for /etc. */
function closeToOthers(path: string, { mode }: Stats, fail: Fail): void {
  const othersWrite = (mode & 0o022) !== 0;
  const assertNotPlanted = () => {
    if (!othersWrite || readdirSync(path).length === 0) return;
    const hint = `Check its content, then make it private: chmod 700 ${path}`;
    throw fail("can be written by other users, who may have put files there", hint);
  };
  assertNotPlanted();
  const names = readdirSync(path);
  if (names.length > 0 && !names.includes("daemon.log")) {
    throw fail("is open to others and holds files that are not pyro's");
  }
  chmodSync(path, 0o700);
  assertNotPlanted();
}

export function isOurDirectory(path: string): boolean {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.isDirectory() && stat.uid === process.getuid!();
}

/** The target of a symbolic link; null for anything else. */
export function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
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
