import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** A process. Its start time distinguishes it from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, from /proc/PID/stat. */
  readonly startTicks: number;
}

export function readProcessIdentity(pid: number): ProcessIdentity | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return null;
    return { pid, startTicks: Number(fields[19]) };
  } catch {
    return null;
  }
}

/** Null when the process has ended. */
export function readParentPid(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return readProcessIdentity(identity.pid)?.startTicks === identity.startTicks;
}

/** Sends a signal to exactly that process; false when it has ended. */
export function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    return false;
  }
}

/** The arguments of a running process; none when it has ended. */
export function readCommandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** All processes, with their arguments. */
export function listCommandLines(): { pid: number; args: string[] }[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((name) => ({ pid: Number(name), args: readCommandLine(Number(name)) }));
}

/** The running children of a process; none when it has ended. */
export function readChildren(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return children === "" ? [] : children.split(" ").map(Number);
  } catch {
    return [];
  }
}

/** Private memory of a process tree and its share of common memory, in bytes. */
export function readMemoryBytes(pid: number): number {
  try {
    const own = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
    return readChildren(pid).reduce((sum, child) => sum + readMemoryBytes(child), Number(own ?? 0) * 1024);
  } catch {
    return 0;
  }
}

/** Waits until all of them have ended; false at the deadline. */
export async function waitUntilGone(identities: readonly ProcessIdentity[], deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  while (identities.some(isAlive)) {
    if (performance.now() > end) return false;
    await sleep(10);
  }
  return true;
}

/** Kills a process group and waits until all its processes have ended; false at the deadline. */
export async function endGroup(pid: number, deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ESRCH";
    }
    if (performance.now() > end) return false;
    await sleep(10);
  }
}
