import { readFileSync } from "node:fs";

import { isRoot } from "./platform.js";

const SYS_PTRACE = 19n;

/** Yama's setting for tracing other processes, 0 to 3; null on a kernel without Yama. */
export function readPtraceScope(): number | null {
  try {
    return Number(readFileSync("/proc/sys/kernel/yama/ptrace_scope", "utf8"));
  } catch {
    return null;
  }
}

/** Whether this process is root, and whether it may trace the processes of others. */
export function readCapabilities(): { isRoot: boolean; isCapable: boolean } {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return { isRoot: isRoot(), isCapable: ((BigInt(`0x${effective}`) >> SYS_PTRACE) & 1n) === 1n };
}
