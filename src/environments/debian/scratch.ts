import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { chmod, lstat, mkdir, readFile, realpath, rm, rmdir, stat, writeFile } from "../../host/files.js";
import { freeBytes } from "../../host/disk.js";
import { endGroup, readCommandLine } from "../../host/process.js";
import { buildRemoveCommand } from "./commands.js";
import { diskFullError } from "./failure.js";
import { isPrivileged, runCommand } from "./tools.js";

/** The directory where a build unpacks: outside PYRO_HOME, since the namespace's users cannot pass through a private directory. */
export interface Scratch {
  readonly path: string;
  /** The future root file system, owned by the namespace. */
  readonly root: string;
  /** Where the running tool's process id is. */
  readonly pidFile: string;
}

/** Free space that a build needs. If both directories are on one disk, it needs the sum. */
export interface RequiredSpace {
  readonly scratchBytes: number;
  readonly cacheBytes: number;
}

/** A note in the cache's temporary directory, so that cleaning up after a crash finds the scratch directory too. */
const POINTER = "scratch.path";
const PID = "scratch.pid";
const PREFIX = "pyro-build-";
const END_DEADLINE_MS = 10_000;

/** Makes a scratch directory on a disk with enough space, and notes it in `directory`. Throws DISK_FULL when no disk has enough. */
export async function openScratch(directory: string, required: RequiredSpace): Promise<Scratch> {
  const free = await freeBytes(directory);
  if (free < required.cacheBytes)
    throw diskFullError({ path: directory, freeBytes: free, neededBytes: required.cacheBytes });
  const parent = await chooseParent((await stat(directory)).dev, required);
  const path = join(parent, `${PREFIX}${randomBytes(8).toString("hex")}`);
  await writeFile(join(directory, POINTER), path, { flush: true });
  await mkdir(path);
  await chmod(path, 0o711);
  return scratchAt(path, directory);
}

/** Ends the builds that use the directory, and removes it. */
export async function closeScratch({ path, root, pidFile }: Scratch): Promise<void> {
  const pid = Number(await readFile(pidFile, "utf8").catch(() => ""));
  if (Number.isInteger(pid) && pid > 1 && readCommandLine(pid).some((argument) => argument.startsWith(path))) {
    await endGroup(pid, END_DEADLINE_MS);
  }
  const found = await lstat(path).catch(() => null);
  if (found?.isDirectory() && found.uid === process.geteuid?.()) {
    await emptyRoot(root);
    await rmdir(root).catch(() => {});
    // A directory that cannot be removed must not prevent the daemon's start.
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

/** Closes the scratch directory that a killed build noted in `directory`, if any. */
export async function discardScratch(directory: string): Promise<void> {
  const path = await readFile(join(directory, POINTER), "utf8").catch(() => "");
  if (basename(path).startsWith(PREFIX)) await closeScratch(scratchAt(path, directory));
}

function scratchAt(path: string, directory: string): Scratch {
  return { path, root: join(path, "root"), pidFile: join(directory, PID) };
}

/** Files of an unprivileged build belong to subordinate users, so the namespace removes them. Stops at mount points. */
async function emptyRoot(root: string): Promise<void> {
  if ((await lstat(root).catch(() => null)) === null) return;
  await runCommand(buildRemoveCommand(root, isPrivileged())).catch(() => null);
}

async function chooseParent(cacheDevice: number, required: RequiredSpace): Promise<string> {
  const candidates = [process.env["TMPDIR"], "/var/tmp", "/tmp"].filter((path) => path !== undefined && path !== "");
  let fullest: Parameters<typeof diskFullError>[0] | null = null;
  for (const candidate of candidates as string[]) {
    const path = await realpath(candidate).catch(() => null);
    if (path === null || !(await isOpenToAll(path))) continue;
    const sameDisk = (await stat(path)).dev === cacheDevice;
    const neededBytes = required.scratchBytes + (sameDisk ? required.cacheBytes : 0);
    const free = await freeBytes(path);
    if (free >= neededBytes) return path;
    if (fullest === null || free > fullest.freeBytes) fullest = { path, freeBytes: free, neededBytes };
  }
  if (fullest !== null) throw diskFullError(fullest);
  throw new PyroError("HOST_NOT_ABLE", "There is no temporary directory that every user may enter.", {
    hint: "Set TMPDIR to such a directory, for example /var/tmp.",
    details: { tried: candidates },
  });
}

async function isOpenToAll(path: string): Promise<boolean> {
  for (let at = path; ; at = dirname(at)) {
    if (((await lstat(at)).mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}
