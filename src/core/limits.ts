import { join } from "node:path";

import type { ResultOf } from "../contract/operations.js";
import type { ControlGroups } from "../host/control-groups.js";
import { diskUsageBytes, isInMemory } from "../host/disk.js";
import { existsSync } from "../host/files.js";
import { isRoot } from "../host/platform.js";
import type { Ceilings } from "./machines/budget.js";

/** The facts of `doctor` about control groups: their place, or why there are none and the command that starts the daemon with them. */
export function viewLimits({ path, problem }: ControlGroups): ResultOf<"doctor">["limits"] {
  if (path !== null) return { set: true, reason: `control groups in ${path}`, command: null };
  return {
    set: false,
    reason: problem ?? "unknown",
    command: existsSync("/run/systemd/system") ? buildCommand() : null,
  };
}

/** For the kernel's caches of all VMs' files, which it gives up under pressure. */
const CACHES_MIB = 128;

/** Makes the kernel enforce the limit on the memory of all VMs together. On tmpfs their disks are memory too. */
export async function limitTogether(groups: ControlGroups, ceilings: Ceilings, homePath: string): Promise<void> {
  const { memoryMib, diskMib } = ceilings;
  const disksMib = (await isInMemory(homePath)) ? diskMib : 0;
  groups.limitTogether(memoryMib === null || disksMib === null ? null : memoryMib + disksMib + CACHES_MIB);
}

/** The disk that tasks without a VM, snapshots and saved environments take, in MiB. */
export async function measureKeptMib(homePath: string): Promise<number> {
  const sizes = ["tasks", "snapshots", "saved"].map((name) => diskUsageBytes(join(homePath, name)));
  return Math.ceil((await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0) / 1_048_576);
}

/** The command that starts the daemon in a delegated scope of systemd. */
function buildCommand(): string {
  const systemd = `systemd-run ${isRoot() ? "" : "--user "}--scope -p Delegate=yes`;
  return `pyro daemon stop && ${systemd} pyro daemon start`;
}
