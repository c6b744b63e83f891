import { readdirSync, readFileSync } from "node:fs";

/** The resources that a process uses now. */
export interface Cost {
  readonly descriptors: number;
  readonly residentMib: number;
  /** The largest resident memory since its start. */
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
