/** Two requests within this time are a burst. Outside a burst no machine is kept ready: a single command leaves no spare. */
const BURST_MS = 30_000;
/** The most requests to remember: more do not change the result. */
const KEPT_ASKS = 256;

/** The recent peak of simultaneous requests for one kind of machine: that many machines are worth keeping ready. Pure. */
export class Demand {
  #asks: { readonly at: number; readonly inFlight: number }[] = [];

  /** Counts a request. `inFlight` is the number of its kind in use or being started, this one included. */
  ask(inFlight: number, now: number): void {
    this.#asks = [...this.#asks, { at: now, inFlight }].slice(-KEPT_ASKS);
  }

  /** The most requests in flight at once in this burst; 0 outside a burst. */
  wanted(now: number): number {
    this.#asks = this.#asks.filter(({ at }) => now - at < BURST_MS);
    return this.#asks.length < 2 ? 0 : Math.max(...this.#asks.map(({ inFlight }) => inFlight));
  }

  isOver(now: number): boolean {
    return this.wanted(now) === 0 && this.#asks.length === 0;
  }
}
