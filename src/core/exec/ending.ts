import type { EndSignal } from "../../contract/wire.js";

/** How a command is ended before it ends by itself: politely first, or at once. */
export interface Ending {
  /** Aborted to kill the command. */
  readonly signal: AbortSignal;
  /**
   * Reports the first cancel to the listener, as the signal that the command gets; `signal` aborts when the grace is over. Without a
   * listener, `signal` aborts at once. Returns a function that removes the listener.
   */
  onInterrupt(listener: (signal: EndSignal) => void): () => void;
}

/** The ending of a command that several callers may follow: each may interrupt it or kill it. */
export class SharedEnding implements Ending {
  readonly #kill = new AbortController();
  readonly signal: AbortSignal = this.#kill.signal;
  #listener: ((signal: EndSignal) => void) | null = null;
  /** A signal that came before the command was watched. */
  #early: EndSignal | null = null;

  /** Sends the command a signal, when it has been started; processes that remain when it has ended are killed. */
  interrupt(signal: EndSignal): void {
    if (this.#listener === null) this.#early = signal;
    else this.#listener(signal);
  }

  /** Kills the command and everything that it has started. */
  kill(): void {
    this.#kill.abort();
  }

  onInterrupt(listener: (signal: EndSignal) => void): () => void {
    this.#listener = listener;
    if (this.#early !== null) listener(this.#early);
    this.#early = null;
    return () => (this.#listener = null);
  }
}
