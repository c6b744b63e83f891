import { limits } from "../../contract/limits.js";

/** Fields of a result about the VM's memory. */
export interface MemoryOutcome {
  readonly oom_killed: boolean;
  readonly mem_mib: number;
}

/** Explains a command that ran out of memory; empty when it did not. `of` is the command line that takes --mem-mib. */
export function renderOutOfMemory({ oom_killed, mem_mib }: MemoryOutcome, of: string): string {
  if (!oom_killed) return "";
  const next = Math.min(2 * mem_mib, limits.memMib.max);
  return `pyro: The VM's memory of ${mem_mib} MiB ran out, and the kernel killed a process of the command.\nhint: Use more memory: ${of} --mem-mib ${next}.\n`;
}
