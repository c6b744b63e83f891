/** Bytes that arrive in pieces and are taken together. Small pieces are joined, so that a sender of single bytes costs little memory. */
export class HeldBytes {
  #blocks: Buffer[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** How many buffers hold them: about the logarithm of their number. */
  get blocks(): number {
    return this.#blocks.length;
  }

  push(piece: Buffer): void {
    this.#length += piece.length;
    let last = piece;
    // A block is at least twice as long as the next one, so a byte is copied only when its block doubles.
    for (let before = this.#blocks.at(-1); before && before.length <= 2 * last.length; before = this.#blocks.at(-1)) {
      this.#blocks.pop();
      last = Buffer.concat([before, last]);
    }
    this.#blocks.push(last);
  }

  /** All of them; none are held afterwards. */
  take(): Buffer {
    const [first, ...others] = this.#blocks;
    this.#blocks = [];
    this.#length = 0;
    if (first === undefined) return Buffer.alloc(0);
    return others.length === 0 ? first : Buffer.concat([first, ...others]);
  }
}
