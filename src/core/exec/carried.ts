import type { CarriedExec } from "../../store/snapshot-facts.js";
import type { ExecStarted } from "./exec-outcome.js";
import type { Logs } from "./logs.js";

/**
 * Turns the commands of a snapshot into commands of a task that starts from it. Each keeps the rest of its time, and its number unless the
 * task has used that. Its log begins here.
 */
export function adoptCarried(carried: readonly CarriedExec[], used: ReadonlySet<number>, at: string): ExecStarted[] {
  const taken = new Set(used);
  const nextFree = () => Math.max(0, ...taken, ...carried.map(({ started }) => started.sequence)) + 1;
  return carried.map(({ started, skipped, remaining_seconds }) => {
    const { request_id: _, ...command } = started;
    const sequence = taken.has(started.sequence) ? nextFree() : started.sequence;
    taken.add(sequence);
    return { ...command, sequence, skipped, timeout_seconds: remaining_seconds, started_at: at };
  });
}

/** Offsets in the streams of the guest up to which the logs have everything; null for logs that were never opened. */
export function receivedBytes({ skipped }: ExecStarted, logs: Logs | null): CarriedExec["skipped"] {
  const { stdout, stderr } = skipped ?? { stdout: 0, stderr: 0 };
  return { stdout: stdout + (logs?.stdout.totalBytes ?? 0), stderr: stderr + (logs?.stderr.totalBytes ?? 0) };
}
