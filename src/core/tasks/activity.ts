import type { JournalEntry } from "../../store/journal-entry.js";
import { expiryOf, hasExpired } from "../lifecycle/expiry.js";

/** When a task was last used, and whether it is in use. */
export class Activity {
  #last: string;
  #underWay = 0;

  constructor(entries: readonly JournalEntry[], createdAt: string) {
    this.#last = entries.map(timeOf).findLast((time) => time !== undefined) ?? createdAt;
  }

  /** UTC, ISO 8601. */
  get last(): string {
    return this.#last;
  }

  note(at: string): void {
    this.#last = at;
  }

  /** Counts the work as use of the task until it has ended. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
      this.#last = new Date().toISOString();
    }
  }

  /** Null for a task that never expires. */
  expiresAt(ttlSeconds: number): string | null {
    return ttlSeconds === 0 ? null : expiryOf(this.#last, ttlSeconds);
  }

  /** False while work is under way. */
  hasExpired(ttlSeconds: number, now: number): boolean {
    return this.#underWay === 0 && hasExpired(this.expiresAt(ttlSeconds), now);
  }
}

/** When a command began or ended, or the task was used in another way. */
function timeOf(entry: JournalEntry): string | undefined {
  if (entry.event === "exec.started") return entry.started_at;
  if (entry.event === "exec.ended") return entry.ended_at;
  return "at" in entry ? entry.at : undefined;
}
