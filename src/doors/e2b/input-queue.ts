/** Bytes on their way to the standard input of a command. */
export class InputQueue implements AsyncIterable<Uint8Array> {
  readonly #waiting: { readonly bytes: Uint8Array; readonly onTaken: (isTaken: boolean) => void }[] = [];
  /** Resolves the push whose bytes the command's side holds. */
  #onTaken: (isTaken: boolean) => void = () => {};
  #wake = () => {};
  #isEnded = false;
  #waitingBytes = 0;
  /** Resolves when the command has ended. */
  done: Promise<void> = Promise.resolve();

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Bytes that were pushed and not taken. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Resolves with true when the command's side takes more, and with false when the command has ended before. */
  push(bytes: Uint8Array): Promise<boolean> {
    if (this.#isEnded) return Promise.resolve(false);
    this.#waitingBytes += bytes.length;
    return new Promise<boolean>((onTaken) => {
      this.#waiting.push({ bytes, onTaken });
      this.#wake();
    }).finally(() => (this.#waitingBytes -= bytes.length));
  }

  /** Ends the input. Waiting bytes are still sent. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** Drops waiting bytes, since the command has ended. */
  drop(): void {
    this.end();
    this.#onTaken(false);
    for (const { onTaken } of this.#waiting.splice(0)) onTaken(false);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next) {
        this.#onTaken = next.onTaken;
        yield next.bytes;
        next.onTaken(true);
      } else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
