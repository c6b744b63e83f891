/** Bytes on their way to the standard input of a command. */
export class InputQueue implements AsyncIterable<Uint8Array> {
  readonly #waiting: { readonly bytes: Uint8Array; readonly onTaken: () => void }[] = [];
  #wake = () => {};
  #isEnded = false;
  /** Resolves when the command has ended. */
  done: Promise<void> = Promise.resolve();

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Resolves when the command's side takes more, or the input has ended. */
  push(bytes: Uint8Array): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    return new Promise((onTaken) => {
      this.#waiting.push({ bytes, onTaken });
      this.#wake();
    });
  }

  /** What waits is still sent. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Drops what waits: the command has ended. */
  drop(): void {
    this.end();
    for (const { onTaken } of this.#waiting.splice(0)) onTaken();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) {
        yield next.bytes;
        next.onTaken();
      } else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
