import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { release } from "node:os";

/** What tells this boot of this kernel from every other: verdicts about the host hold no longer. */
export function readBootIdentity(): { bootId: string; kernel: string } {
  return { bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(), kernel: release() };
}

export function describeDevice(path: string): { exists: boolean; opens: boolean } {
  if (!existsSync(path)) return { exists: false, opens: false };
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return { exists: true, opens: true };
  } catch {
    return { exists: true, opens: false };
  }
}

/** Memory that new processes can have, in MiB, as the kernel estimates it. */
export function readAvailableMemoryMib(): number {
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return Math.floor(Number(kib ?? 0) / 1024);
}
