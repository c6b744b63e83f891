/** The allowance of all busy guests together, in microseconds of the daemon's time per millisecond: a tenth of a CPU. */
const ALLOWANCE_PER_MS = 100;
/** The most allowance that is saved up while none of them sends. */
const MOST_ALLOWANCE = 1_000;

/**
 * Work of guests that send much: one piece in each turn of the event loop, first come, first served, with a limited share of a CPU for
 * all of them. So a quiet guest does not notice how many others flood the daemon.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #allowance = MOST_ALLOWANCE;
  #countedAt = performance.now();
  #isScheduled = false;

  /** Does the work when it is its turn. */
  queue(work: () => void): void {
    this.#waiting.push(work);
    this.#schedule();
  }

  spend(cost: number): void {
    this.#earn();
    this.#allowance -= cost;
  }

  #earn(): void {
    const now = performance.now();
    this.#allowance = Math.min(MOST_ALLOWANCE, this.#allowance + (now - this.#countedAt) * ALLOWANCE_PER_MS);
    this.#countedAt = now;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    this.#earn();
    const waitMs = Math.ceil(-this.#allowance / ALLOWANCE_PER_MS);
    const next = () => {
      this.#isScheduled = false;
      this.#waiting.shift()?.();
      this.#schedule();
    };
    if (waitMs > 0) setTimeout(next, waitMs);
    else setImmediate(next);
  }
}
