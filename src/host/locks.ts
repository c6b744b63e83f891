import { readFileSync, statSync } from "node:fs";

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
