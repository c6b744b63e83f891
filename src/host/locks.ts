import { spawnSync } from "node:child_process";
import { closeSync, ftruncateSync, openSync, readFileSync, statSync, writeSync } from "node:fs";

/** The process that holds a lock of flock on a file; null when none does, or when it is in another PID namespace. */
export function findLockHolder(path: string): number | null {
  try {
    const { ino } = statSync(path);
    const lines = readFileSync("/proc/locks", "utf8").split("\n");
    const held = lines.find((line) => / FLOCK /.test(line) && !line.includes("->") && line.includes(`:${ino} `));
    const pid = Number(held?.trim().split(/\s+/)[4]);
    return pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

/** A lock that the kernel releases when its process ends. */
export interface HeldLock {
  release(): void;
}

/**
 * Locks a file, which is created if it is missing and gets the process id of the holder; null when another process holds it. `flock` is
 * the program of that name. Its lock belongs to the open file, which this process shares.
 */
export function lockFile(path: string, flock: string): HeldLock | null {
  const file = openSync(path, "a+", 0o600);
  const { status } = spawnSync(flock, ["-n", "3"], { stdio: ["ignore", "ignore", "ignore", file] });
  if (status !== 0) {
    closeSync(file);
    return null;
  }
  ftruncateSync(file);
  writeSync(file, String(process.pid));
  return { release: () => closeSync(file) };
}
