import { closeSync, constants, mkdirSync, openSync, readFileSync, rmdirSync, writeFileSync, writeSync } from "node:fs";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { listGroups, makeCgroupPlace, readCgroupPath, readCgroupView, type CgroupPlace } from "./cgroup-place.js";
import type { Log } from "./log.js";
import { isRoot } from "./platform.js";
import { readParentPid } from "./process.js";
import { shortDigest } from "./short-digest.js";

/** Limits on all processes of a group together. */
export interface GroupLimits {
  readonly memoryMib: number;
  readonly processes: number;
  /** Share of the processors when they are scarce; other groups have 100. */
  readonly cpuWeight: number;
  /** True when the whole group ends as soon as one process must end for lack of memory. */
  readonly endsWhole: boolean;
}

const MIB = 1_048_576;
/** How long killed processes may take to end. */
const REMOVE_DEADLINE_MS = 2_000;
const POLL_MS = 2;

/** One control group, with limits. */
export class ControlGroup {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** The group of this name that contains a process; null when there is none. */
  static find(pid: number, name: string): ControlGroup | null {
    const path = readCgroupPath(pid);
    const { mountPoint } = readCgroupView([], false);
    return path !== null && mountPoint !== null && basename(path) === name
      ? new ControlGroup(join(mountPoint, path))
      : null;
  }

  /** A process joins the group by writing 0 into this file. */
  get processesPath(): string {
    return join(this.#path, "cgroup.procs");
  }

  /** Why the kernel killed a process of the group for want of memory, and what to do; null when it killed none. */
  explainOutOfMemory(): string | null {
    try {
      return describeOutOfMemory(readFileSync(join(this.#path, "memory.events"), "utf8"), this.#readLimitMib());
    } catch {
      return null;
    }
  }

  #readLimitMib(): number {
    return Math.round(Number(readFileSync(join(this.#path, "memory.max"), "utf8")) / MIB);
  }

  /** Kills the group's processes and removes the group. The next daemon removes it if this fails. */
  async remove(): Promise<void> {
    const end = performance.now() + REMOVE_DEADLINE_MS;
    for (let isKilled = false; ; isKilled = true) {
      try {
        if (!isKilled) writeIfThere(join(this.#path, "cgroup.kill"), "1");
        return rmdirSync(this.#path);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== "EBUSY" || performance.now() > end) return;
        await sleep(POLL_MS);
      }
    }
  }
}

/** The control groups of one home's VMs, where this host lets the daemon make them. */
export class ControlGroups {
  readonly #place: CgroupPlace;
  readonly #log: Log;
  readonly #joinPath: string;

  private constructor(place: CgroupPlace, { log, joinPath }: { log: Log; joinPath: string }) {
    this.#place = place;
    this.#log = log;
    this.#joinPath = joinPath;
  }

  /** `joinPath` is that of pyro-join. Never throws: without groups, machines run without their limits. */
  static open(options: { homePath: string; joinPath: string; log: Log }): ControlGroups {
    const place = makeCgroupPlace(readCgroupView(ownProcesses(), isRoot()), groupNameOf(options.homePath));
    options.log.info("path" in place ? { path: place.path } : { reason: place.reason }, "control groups");
    return new ControlGroups(place, options);
  }

  /** Why machines have no limits of this kind; null when they have. */
  get problem(): string | null {
    return "reason" in this.#place ? this.#place.reason : null;
  }

  /** Their place in the tree; null when there are none. */
  get path(): string | null {
    return "path" in this.#place ? this.#place.path : null;
  }

  /** Makes a group; null where none can be made. */
  create(name: string, limits: GroupLimits): ControlGroup | null {
    if (!("path" in this.#place)) return null;
    const path = join(this.#place.path, name);
    try {
      mkdirSync(path);
      writeLimits(path, limits, this.#place.controllers);
      return new ControlGroup(path);
    } catch (error) {
      this.#log.warn({ err: error, path }, "no control group could be made");
      void new ControlGroup(path).remove();
      return null;
    }
  }

  /** Limits all groups together: their memory in MiB, null for no limit, and their share of the processors, which is that of one group. */
  limitTogether(memoryMib: number | null): void {
    if (!("path" in this.#place)) return;
    const { path, controllers } = this.#place;
    const memory = memoryMib === null ? "max" : String(memoryMib * MIB);
    try {
      writeFileSync(join(path, "memory.max"), memory);
      writeIfThere(join(path, "memory.swap.max"), memory);
      if (controllers.includes("cpu")) writeFileSync(join(path, "cpu.weight"), "100");
    } catch (error) {
      this.#log.warn({ err: error, path }, "the machines have no limit together");
    }
  }

  /** A program and its arguments, started in a group. */
  command(group: ControlGroup | null, words: readonly string[]): readonly string[] {
    return group === null ? words : [this.#joinPath, group.processesPath, ...words];
  }

  /** Removes the groups that an earlier daemon left. */
  async sweep(isStray: (name: string) => boolean): Promise<void> {
    const { path } = this;
    if (path === null) return;
    const strays = listGroups(path).filter(isStray);
    await Promise.all(strays.map((name) => new ControlGroup(join(path, name)).remove()));
  }
}

/** The name of the group of a home's machines. */
export function groupNameOf(homePath: string): string {
  return `pyro-${shortDigest(homePath, 12)}`;
}

/** `oom_kill` counts processes killed for any want of memory, `oom` how often the group's own limit was the reason. */
function describeOutOfMemory(events: string, limitMib: number): string | null {
  const count = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(events)?.[1] ?? 0);
  if (count("oom_kill") === 0) return null;
  return count("oom") > 0
    ? `the kernel killed it because it needed more than the ${limitMib} MiB of host memory that pyro allows it; ` +
        "give it more with --mem-mib (mem_mib)"
    : "the kernel killed it because the host, or the container around pyro, was out of memory; " +
        "run fewer VMs at once, or give each less with --mem-mib (mem_mib)";
}

/** Limits of memory.max include caches, which the kernel takes back; swap is as large again, so that an idle machine can be swapped out. */
function writeLimits(path: string, limits: GroupLimits, controllers: readonly string[]): void {
  const memory = String(limits.memoryMib * MIB);
  writeFileSync(join(path, "memory.max"), memory);
  writeIfThere(join(path, "memory.swap.max"), memory);
  writeIfThere(join(path, "memory.oom.group"), limits.endsWhole ? "1" : "0");
  writeFileSync(join(path, "pids.max"), String(limits.processes));
  if (controllers.includes("cpu")) writeFileSync(join(path, "cpu.weight"), String(limits.cpuWeight));
}

/** Not every kernel has every file. Some can be written only: they cannot be opened for reading too. */
function writeIfThere(path: string, text: string): void {
  try {
    const file = openSync(path, constants.O_WRONLY);
    try {
      writeSync(file, text);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

/** The daemon, flock that holds its lock, and the client that has started both. */
function ownProcesses(): number[] {
  const parent = process.ppid;
  return [process.pid, parent, readParentPid(parent) ?? 0].filter((pid) => pid > 1);
}
