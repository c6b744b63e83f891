import type { Accelerator } from "../backend.js";

/** What QEMU keeps of translated code before it starts anew. Its own default is 1 GiB. docs/decisions/0023 */
export const TRANSLATION_CACHE_MIB = 256;
/** QEMU and what it keeps about translated code beside the code. */
const QEMU_MIB = 128;

/** Host memory that a VM can come to take, in MiB. */
export function countMemoryMib(memMib: number, accelerator: Accelerator): number {
  return memMib + QEMU_MIB + (accelerator === "tcg" ? TRANSLATION_CACHE_MIB : 0);
}
