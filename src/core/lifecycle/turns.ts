import { abortable } from "../../host/abortable.js";

/** Lets pieces of work on one thing take turns, in the order of the calls. */
export class Turns {
  /** Settles when the work before has ended. */
  #last: Promise<unknown> = Promise.resolve();

  /** Waits for its turn, unless the signal is aborted first. */
  async take<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#last;
    let end = () => {};
    const turn = new Promise<void>((resolve) => (end = resolve));
    this.#last = before.then(() => turn);
    try {
      await abortable(before, signal);
      return await work();
    } finally {
      end();
    }
  }
}
