import { setTimeout as sleep } from "node:timers/promises";

/** Changes that come within this of each other are one batch. */
const QUIET_MS = 100;
/** Maximum duration of a batch, for a directory that keeps changing. */
const LONGEST_MS = 2_000;

/** Paths that changed, in batches. */
export class Changes {
  readonly #signal: AbortSignal;
  readonly #paths = new Set<string>();
  #error: Error | null = null;
  #lastMs = 0;
  #wake = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Notes a change; "" for one without a name. */
  add(path: string): void {
    this.#paths.add(path);
    this.#lastMs = performance.now();
    this.#wake();
  }

  /** Ends the watch with an error. */
  fail(error: Error): void {
    this.#error ??= error;
    this.#wake();
  }

  /** True when something changed; false when nothing changed for that long, or the signal is aborted. */
  async wait(ms: number): Promise<boolean> {
    if (this.#paths.size === 0 && this.#error === null && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    if (this.#error) throw this.#error;
    return this.#paths.size > 0 && !this.#signal.aborted;
  }

  /** The changed names, once no further ones come for a moment. */
  async take(): Promise<string[]> {
    const started = performance.now();
    for (;;) {
      const now = performance.now();
      const leftMs = Math.min(this.#lastMs + QUIET_MS, started + LONGEST_MS) - now;
      if (leftMs <= 0 || this.#signal.aborted) break;
      await sleep(leftMs, undefined, { signal: this.#signal }).catch(() => {});
    }
    const paths = [...this.#paths].filter((path) => path !== "").toSorted();
    this.#paths.clear();
    return paths;
  }
}
