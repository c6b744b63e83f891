import type { JournalEntry } from "../../store/journal-entry.js";

interface Interval {
  readonly fromMs: number;
  /** Infinity while the task is stopped. */
  readonly toMs: number;
}

/** The times in which a task was stopped. They do not count for the time-outs of its commands. */
export class StoppedTime {
  #intervals: Interval[] = [];

  constructor(entries: readonly JournalEntry[]) {
    for (const entry of entries) this.note(entry);
  }

  note(entry: JournalEntry): void {
    if (entry.event !== "task.state") return;
    const atMs = Date.parse(entry.at);
    const last = this.#intervals.at(-1);
    const isOpen = last?.toMs === Infinity;
    if (entry.state === "stopped" && !isOpen) this.#intervals.push({ fromMs: atMs, toMs: Infinity });
    if (entry.state === "started" && isOpen) this.#intervals.splice(-1, 1, { ...last, toMs: atMs });
  }

  /** Milliseconds between a moment and now in which the task was stopped. */
  since(moment: string, nowMs = Date.now()): number {
    const sinceMs = Date.parse(moment);
    const overlap = ({ fromMs, toMs }: Interval) => Math.max(0, Math.min(toMs, nowMs) - Math.max(fromMs, sinceMs));
    return this.#intervals.reduce((sum, interval) => sum + overlap(interval), 0);
  }
}
