import type { Stage } from "../contract/wire.js";

/** Divides time into stages: each stage ends where the next one begins, so together they are the whole. */
export class Stopwatch {
  readonly #stages: Stage[] = [];
  #last: number;

  constructor(startMs = performance.now()) {
    this.#last = startMs;
  }

  get stages(): readonly Stage[] {
    return this.#stages;
  }

  /** The time since the previous stage was spent on this. */
  mark(stage: string): void {
    const now = performance.now();
    this.#stages.push({ stage, ms: now - this.#last });
    this.#last = now;
  }

  /** Like `mark`, for a time with known parts: the rest of the time is this stage. */
  markAround(stage: string, parts: readonly Stage[]): void {
    this.mark(stage);
    const whole = this.#stages.pop()!;
    const rest = whole.ms - parts.reduce((sum, { ms }) => sum + ms, 0);
    this.#stages.push({ stage, ms: Math.max(0, rest) }, ...parts);
  }
}
