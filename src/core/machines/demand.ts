/** Asking twice within this time is a burst; a single command leaves no spare behind. */
const BURST_MS = 30_000;
/** More asks than this tell nothing new. */
const KEPT_ASKS = 256;

/** How many machines of one kind were wanted at once lately: as many are worth keeping ready. Pure but for the clock it is given. */
export class Demand {
  #asks: { readonly at: number; readonly inFlight: number }[] = [];

  /** One more was asked for. `inFlight`: how many of its kind are in use or being started, this one included. */
  ask(inFlight: number, now: number): void {
    this.#asks = [...this.#asks, { at: now, inFlight }].slice(-KEPT_ASKS);
  }

  /** The most that were in flight at once in this burst; 0 when there is none. */
  wanted(now: number): number {
    this.#asks = this.#asks.filter(({ at }) => now - at < BURST_MS);
    return this.#asks.length < 2 ? 0 : Math.max(...this.#asks.map(({ inFlight }) => inFlight));
  }

  isOver(now: number): boolean {
    return this.wanted(now) === 0 && this.#asks.length === 0;
  }
}
