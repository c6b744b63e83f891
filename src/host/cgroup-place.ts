import { accessSync, constants, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** The tree of control groups of version 2, and a process's place in it. */
export interface CgroupView {
  /** The directory at which the tree is mounted; null without one. */
  readonly mountPoint: string | null;
  /** The process's own group, as a path in the tree that begins with a slash. */
  readonly ownPath: string;
  /** True for root, which needs no delegation to make groups. */
  readonly isRoot: boolean;
  /** Processes that may be moved into a separate group: the daemon and its starters. */
  readonly movable: readonly number[];
}

/** A group that can contain groups with limits, or the reason why there is none. */
export type CgroupPlace =
  | { readonly path: string; readonly controllers: readonly string[] }
  | { readonly reason: string };

/** The group into which the daemon moves, since a group with limits in it can hold no process itself. */
const DAEMON_GROUP = "pyro-daemon";
const NEEDED = ["memory", "pids"];
const USEFUL = [...NEEDED, "cpu"];

/** The tree and the place of this process. `movable` are its own id and those of its parents that belong to it. */
export function readCgroupView(movable: readonly number[], isRoot: boolean): CgroupView {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const mount = mounts.map((line) => line.split(" ")).find((words) => words[words.indexOf("-") + 1] === "cgroup2");
  return { mountPoint: mount?.[4] ?? null, ownPath: readCgroupPath("self") ?? "/", isRoot, movable };
}

/** The group of a process, as a path in the tree; null when the process has ended. */
export function readCgroupPath(pid: number | "self"): string | null {
  try {
    return /^0::(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? null;
  } catch {
    return null;
  }
}

/**
 * Makes a group of this name, in which groups can be made that limit memory and processes. For root it lies at the top of the tree where
 * that is possible, else in the daemon's own group, which for an ordinary user must have been delegated. Never throws.
 */
export function makeCgroupPlace(view: CgroupView, name: string): CgroupPlace {
  const { mountPoint, ownPath, isRoot } = view;
  if (mountPoint === null) return { reason: "this host has no control groups of version 2" };
  if (ownPath.startsWith("/..")) return { reason: "the daemon's control group cannot be seen from here" };
  const whole = join(mountPoint, ownPath);
  const own = basename(whole) === DAEMON_GROUP ? dirname(whole) : whole;
  const candidates = isRoot && own !== mountPoint ? [mountPoint, own] : [own];
  const reasons: string[] = [];
  for (const parent of candidates) {
    try {
      return makeIn(parent, name, view.movable);
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  return { reason: reasons.at(-1)! };
}

function makeIn(parent: string, name: string, movable: readonly number[]): CgroupPlace {
  if (!isWritable(parent)) throw new Error(`${parent} is not delegated to this user`);
  const available = readWords(join(parent, "cgroup.controllers"));
  const missing = NEEDED.filter((controller) => !available.includes(controller));
  if (missing.length > 0) throw new Error(`${parent} has no ${missing.join(" and no ")} controller`);
  const controllers = USEFUL.filter((controller) => available.includes(controller));
  try {
    enable(parent, controllers);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EBUSY") throw error;
    moveAway(parent, movable);
    enable(parent, controllers);
  }
  const path = join(parent, name);
  mkdirSync(path, { recursive: true });
  enable(path, controllers);
  return { path, controllers };
}

function isWritable(path: string): boolean {
  try {
    for (const name of ["", "cgroup.procs", "cgroup.subtree_control"]) accessSync(join(path, name), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function enable(path: string, controllers: readonly string[]): void {
  writeFileSync(join(path, "cgroup.subtree_control"), controllers.map((controller) => `+${controller}`).join(" "));
}

/** A group with limits in it can hold no process. Processes of other programs are not moved. */
function moveAway(parent: string, movable: readonly number[]): void {
  const processes = readWords(join(parent, "cgroup.procs")).map(Number);
  const others = processes.filter((pid) => !movable.includes(pid));
  if (others.length > 0) throw new Error(`other programs run in ${parent} (process ${others[0]})`);
  const daemonGroup = join(parent, DAEMON_GROUP);
  mkdirSync(daemonGroup, { recursive: true });
  for (const pid of processes) {
    try {
      writeFileSync(join(daemonGroup, "cgroup.procs"), String(pid));
    } catch (error) {
      // The process has ended.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function readWords(path: string): string[] {
  return readFileSync(path, "utf8").split(/\s+/).filter(Boolean);
}

/** The names of the groups in a group. */
export function listGroups(path: string): string[] {
  const entries = readdirSync(path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
