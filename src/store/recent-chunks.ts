/** Bytes of a stream, and their offset in it. */
export interface Chunk {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** The bytes that stay in memory: more than a follower that keeps up is behind the writer. */
const RECENT_BYTES = 262_144;

/** The last pieces that were written to a stream. Followers that keep up need not read them from disk. */
export class RecentChunks {
  readonly #chunks: Chunk[] = [];
  #sizeBytes = 0;

  /** Takes the next piece. The caller must not change it afterwards. */
  add(chunk: Chunk): void {
    this.#chunks.push(chunk);
    this.#sizeBytes += chunk.bytes.length;
    while (this.#sizeBytes > RECENT_BYTES) this.#sizeBytes -= this.#chunks.shift()!.bytes.length;
  }

  /** At most `maxBytes` from an offset on; null when they are not here. */
  read(offset: number, maxBytes: number): Chunk | null {
    const holding = this.#chunks.find((chunk) => offset >= chunk.offset && offset < chunk.offset + chunk.bytes.length);
    if (holding === undefined) return null;
    const from = offset - holding.offset;
    return { offset, bytes: holding.bytes.subarray(from, from + maxBytes) };
  }

  clear(): void {
    this.#chunks.length = 0;
    this.#sizeBytes = 0;
  }
}
