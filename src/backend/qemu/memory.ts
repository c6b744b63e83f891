import type { GroupLimits } from "../../host/control-groups.js";
import { isInMemory } from "../../host/disk.js";
import type { VmShape } from "../backend.js";
import type { Accelerator } from "./accelerator.js";

/** The most translated code that QEMU keeps before it drops all of it. QEMU's default is 1 GiB. docs/decisions/0026 */
export const TRANSLATION_CACHE_MIB = 256;
/** QEMU itself, and its bookkeeping of translated code. */
const QEMU_MIB = 128;

/** The most host memory that a VM can take, in MiB. */
export function countMemoryMib(memMib: number, accelerator: Accelerator): number {
  return memMib + QEMU_MIB + (accelerator === "tcg" ? TRANSLATION_CACHE_MIB : 0);
}

/** For the kernel's caches of a VM's files, which it gives up under pressure. */
const CACHES_MIB = 128;
/** QEMU's threads, which are up to 64 for its disks, and the few processes around it. */
const PROCESSES = 256;

/** Limits of a VM's control group. On tmpfs the VM's disk writes count as memory too. */
export async function buildGroupLimits(
  shape: VmShape,
  accelerator: Accelerator,
  diskPath: string,
): Promise<GroupLimits> {
  const diskMib = (await isInMemory(diskPath)) ? shape.diskMib : 0;
  return {
    memoryMib: countMemoryMib(shape.memMib, accelerator) + CACHES_MIB + diskMib,
    processes: PROCESSES,
    cpuWeight: 100 * shape.vcpuCount,
    endsWhole: true,
  };
}
