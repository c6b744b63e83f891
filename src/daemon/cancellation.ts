import { PyroError } from "../contract/errors.js";
import { limits } from "../contract/limits.js";
import type { EndSignal } from "../contract/wire.js";
import type { CallInFlight } from "./lifetime.js";

/** A caller's cancel. A running command gets a signal, and the call is aborted after a grace; any other call is aborted at once. */
export class Cancellation {
  readonly #flight: CallInFlight;
  #listener: ((signal: EndSignal) => void) | null = null;
  #grace: NodeJS.Timeout | undefined;
  #isRequested = false;

  constructor(flight: CallInFlight) {
    this.#flight = flight;
  }

  get isRequested(): boolean {
    return this.#isRequested;
  }

  /** The second request aborts at once. */
  request(signal: EndSignal): void {
    const isFirst = !this.#isRequested;
    this.#isRequested = true;
    if (!isFirst || this.#listener === null) return this.#abort();
    this.#grace = setTimeout(() => this.#abort(), limits.cancelGraceSeconds * 1000);
    this.#listener(signal);
  }

  onInterrupt(listener: (signal: EndSignal) => void): () => void {
    this.#listener = listener;
    return () => (this.#listener = null);
  }

  /** Called when the call has been answered. */
  close(): void {
    clearTimeout(this.#grace);
  }

  #abort(): void {
    this.#flight.abort(new PyroError("ABORTED", "The call was cancelled."));
  }
}
