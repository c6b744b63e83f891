import type { TerminalSize } from "../contract/terminal.js";

/** The sizes of a caller's terminal; the last one is kept for a handler that is not ready yet. */
export class Resizes {
  #last: TerminalSize | null = null;
  #listener: ((size: TerminalSize) => void) | null = null;

  request(size: TerminalSize): void {
    this.#last = size;
    this.#listener?.(size);
  }

  onResize(listener: (size: TerminalSize) => void): () => void {
    this.#listener = listener;
    if (this.#last) listener(this.#last);
    return () => (this.#listener = null);
  }
}
