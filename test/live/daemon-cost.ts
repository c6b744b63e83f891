import { readdirSync, readFileSync } from "node:fs";

/** What a process costs now. */
export interface Cost {
  readonly descriptors: number;
  readonly residentMib: number;
  /** The most that was resident since its start. */
  readonly peakMib: number;
}

export function costOf(pid: number): Cost {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const mib = (name: string) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / 1024);
  return {
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    residentMib: mib("VmRSS"),
    peakMib: mib("VmHWM"),
  };
}
