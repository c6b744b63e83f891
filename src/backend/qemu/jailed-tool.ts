import { sendToDescriptor, spawnDetached } from "../../host/process.js";
import { buildJailFilter } from "../seccomp.js";
import { buildJailArgs, type JailSpec } from "./jail.js";
import type { Toolchain } from "./toolchain.js";

const STATUS_FD = 4;
const FILTER_FD = 5;

/** Runs a program to its end in the jail and as the user of a VM, and returns its exit status; null at the deadline. */
export async function runInJail(
  { bwrap, system, dropTo }: Toolchain,
  { devices, mounts }: Pick<JailSpec, "devices" | "mounts">,
  words: readonly string[],
  timeoutMs: number,
): Promise<number | null> {
  const fixed = { bwrap, system, dropTo, preload: null, diesWithDaemon: true };
  const args = buildJailArgs({ ...fixed, devices, mounts, filterFd: FILTER_FD, statusFd: STATUS_FD });
  const child = spawnDetached(bwrap, [...args, ...words], { extraFds: ["ignore", "pipe", "pipe"], env: {} });
  sendToDescriptor(child, FILTER_FD, buildJailFilter());
  child.stderr?.resume();
  const status = child.stdio[STATUS_FD];
  if (status && "resume" in status) status.resume();
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  try {
    return await new Promise<number | null>((resolve) => {
      child.once("error", () => resolve(null));
      child.once("close", resolve);
    });
  } finally {
    clearTimeout(timer);
  }
}
