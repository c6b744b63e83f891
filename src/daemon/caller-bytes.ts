import type { PyroError } from "../contract/errors.js";
import { limits } from "../contract/limits.js";

/**
 * A caller's standard input or archive on its way to the handler. `grant` is called with a window when the handler begins to read, and
 * with each chunk that it takes, so memory stays bounded for any input.
 */
export class CallerBytes implements AsyncIterable<Uint8Array> {
  readonly #grant: (bytes: number) => void;
  readonly #chunks: Uint8Array[] = [];
  #heldBytes = 0;
  #granted = false;
  #ended = false;
  #failure: PyroError | null = null;
  #discarding = false;
  #wakeReader = () => {};
  #wakeWriter = () => {};

  constructor(grant: (bytes: number) => void = () => {}) {
    this.#grant = grant;
  }

  /** Resolves when more may be pushed: at once for a caller that respects its credit. */
  async push(chunk: Uint8Array): Promise<void> {
    if (this.#discarding || this.#ended || chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
    this.#wakeReader();
    while (this.#heldBytes > limits.stdinWindowBytes && !this.#discarding) {
      await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
    }
  }

  end(): void {
    this.#ended = true;
    this.#wakeReader();
  }

  /** Ends it with an error for the reader, unless it has ended. */
  fail(reason: PyroError): void {
    if (this.#ended) return;
    this.#failure = reason;
    this.end();
  }

  /** The reader has stopped: drops held and further bytes. */
  discard(): void {
    this.#discarding = true;
    this.#chunks.length = 0;
    this.end();
    this.#wakeWriter();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (!this.#granted && !this.#ended) this.#grant(limits.stdinWindowBytes);
    this.#granted = true;
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.#heldBytes -= chunk.length;
        this.#wakeWriter();
        yield chunk;
        if (!this.#ended) this.#grant(chunk.length);
      } else if (this.#failure) {
        throw this.#failure;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.#wakeReader = resolve));
      }
    }
  }
}
