const EMPTY: Buffer = Buffer.alloc(0);

/** Reads exact numbers of bytes from a source of chunks of any size. */
export class ByteReader {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #pending: Buffer = EMPTY;
  #arrivedBytes = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]();
  }

  /** How many bytes of the source were taken and not put back. */
  get position(): number {
    return this.#arrivedBytes - this.#pending.length;
  }

  /** At most that many of the next bytes; null at the end. */
  async some(mostBytes: number): Promise<Buffer | null> {
    while (this.#pending.length === 0) {
      const next = await this.#iterator.next();
      if (next.done === true) return null;
      this.#pending = asBuffer(next.value);
      this.#arrivedBytes += next.value.length;
    }
    const taken = this.#pending.subarray(0, mostBytes);
    this.#pending = this.#pending.subarray(taken.length);
    return taken;
  }

  /** Exactly that many bytes, or fewer at the end. */
  async upTo(bytes: number): Promise<Buffer> {
    if (this.#pending.length < bytes) await this.#gather(bytes);
    const taken = this.#pending.subarray(0, bytes);
    this.#pending = this.#pending.subarray(taken.length);
    return taken;
  }

  /** Puts back bytes that were not needed. */
  unread(bytes: Buffer): void {
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([bytes, this.#pending]);
  }

  /** Reads and discards the rest. */
  async drain(): Promise<void> {
    while ((await this.some(Infinity)) !== null);
  }

  /** Ends reading, so that the source may release its resources. */
  async close(): Promise<void> {
    await this.#iterator.return?.();
  }

  async #gather(bytes: number): Promise<void> {
    const parts = this.#pending.length === 0 ? [] : [this.#pending];
    let length = this.#pending.length;
    while (length < bytes) {
      const next = await this.#iterator.next();
      if (next.done === true) break;
      parts.push(asBuffer(next.value));
      length += next.value.length;
      this.#arrivedBytes += next.value.length;
    }
    // One chunk alone is not copied: it may be large.
    this.#pending = parts.length === 1 ? parts[0]! : Buffer.concat(parts, length);
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
