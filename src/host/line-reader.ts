import type { Readable } from "node:stream";

import { PyroError } from "../contract/errors.js";
import { HeldBytes } from "./held-bytes.js";

const NEWLINE = 10;

/** A byte stream that is read as lines and as raw bytes in turn. Leaves the stream open when the reader stops early. */
export class LineReader {
  readonly #chunks: AsyncIterator<Buffer>;
  /** Bytes of the stream that were received and not read. */
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  }

  /**
   * The next line as text, without its newline; null at the end. A last line without a newline counts.
   * Throws INVALID_ARGUMENT as soon as a line is longer than the limit.
   */
  async readLine(maxBytes: number): Promise<string | null> {
    const line = new HeldBytes();
    for (let isBegun = false; ; isBegun = true) {
      const chunk = await this.#next();
      if (chunk === null) return isBegun ? line.take().toString("utf8") : null;
      const end = chunk.indexOf(NEWLINE);
      line.push(end === -1 ? chunk : chunk.subarray(0, end));
      if (line.length > maxBytes) {
        throw new PyroError("INVALID_ARGUMENT", `A line of the input is longer than ${maxBytes} bytes.`, {
          details: { max_bytes: maxBytes },
        });
      }
      if (end === -1) continue;
      this.#rest = chunk.subarray(end + 1);
      return line.take().toString("utf8");
    }
  }

  /** The next bytes in pieces, `count` of them; fewer when the stream ends first. */
  async *readBytes(count: number): AsyncGenerator<Buffer, void> {
    for (let left = count; left > 0;) {
      const chunk = await this.#next();
      if (chunk === null) return;
      const piece = chunk.subarray(0, left);
      this.#rest = chunk.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** Bytes received earlier, else the next chunk of the stream; null at its end. */
  async #next(): Promise<Buffer | null> {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    if (rest.length > 0) return rest;
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done) return null;
      if (value.length > 0) return value;
    }
  }
}
