const MAX_TIMER_MS = 2 ** 31 - 1;

/** Timers, one for each sandbox. */
export class Timers {
  readonly #onTime: (id: string) => void;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #isClosed = false;

  /** `onTime` is called early for a time of more than 24 days. */
  constructor(onTime: (id: string) => void) {
    this.#onTime = onTime;
  }

  /** Sets the timer of a sandbox anew. */
  set(id: string, ms: number): void {
    this.clear(id);
    if (this.#isClosed) return;
    const timer = setTimeout(() => this.#onTime(id), Math.min(Math.max(ms, 0), MAX_TIMER_MS));
    this.#timers.set(id, timer);
  }

  clear(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  /** Ends all timers, for good. */
  close(): void {
    this.#isClosed = true;
    for (const id of [...this.#timers.keys()]) this.clear(id);
  }
}
