import type { CarriedExec } from "../../store/snapshot-facts.js";
import type { ExecStarted } from "./exec-outcome.js";

/**
 * The commands of a snapshot as those of a task that starts from it: each under its number unless the task has used that, with the
 * rest of its time. Its log begins here.
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
