import { nextTurn } from "../host/next-turn.js";
import type { Download } from "./download.js";

const LENGTH_BYTES = 4;
const MAX_HEADER_BYTES = 16_384;
/** Headers that are parsed before other work of the daemon gets its turn: a piece of mail has thousands. */
const HEADERS_PER_TURN = 64;

/** Bytes of a download, taken in pieces of the reader's choice. */
export class ContentReader {
  readonly #download: Download<unknown>;
  readonly #pieces: AsyncGenerator<Buffer, void, undefined>;
  #held: Buffer = Buffer.alloc(0);
  #headers = 0;

  constructor(download: Download<unknown>) {
    this.#download = download;
    this.#pieces = download.content();
  }

  /** The JSON of the next header; undefined at the end. Closes the channel if the header is malformed. */
  async header(): Promise<unknown> {
    this.#headers += 1;
    if (this.#headers % HEADERS_PER_TURN === 0) await nextTurn();
    const lengthBytes = await this.#take(LENGTH_BYTES);
    if (lengthBytes === null) return undefined;
    const length = lengthBytes.readUInt32LE(0);
    if (length === 0 || length > MAX_HEADER_BYTES) throw this.#download.broken("a header of an invalid length");
    const bytes = await this.#take(length);
    try {
      return JSON.parse(bytes!.toString("utf8")) as unknown;
    } catch {
      throw this.#download.broken("a header that is not JSON");
    }
  }

  /** The next bytes as they arrive. A reader that stops before their end must not read on. */
  async *bytes(count: number): AsyncGenerator<Buffer, void, undefined> {
    for (let left = count; left > 0;) {
      if (this.#held.length === 0 && !(await this.#more())) throw this.#download.broken("less content than announced");
      const piece = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  /** Closes the download, and cancels it if it has not ended. */
  async close(): Promise<void> {
    await this.#pieces.return();
    this.#download.cancel();
  }

  async #take(count: number): Promise<Buffer | null> {
    while (this.#held.length < count) {
      if (await this.#more()) continue;
      if (this.#held.length === 0 && count === LENGTH_BYTES) return null;
      throw this.#download.broken("a truncated record");
    }
    const bytes = this.#held.subarray(0, count);
    this.#held = this.#held.subarray(count);
    return bytes;
  }

  async #more(): Promise<boolean> {
    const next = await this.#pieces.next();
    if (next.done) return false;
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    return true;
  }
}

/** The headers of a download whose records have no content. */
export async function* readHeaders(download: Download<unknown>): AsyncGenerator<unknown, void, undefined> {
  const reader = new ContentReader(download);
  try {
    for (let header = await reader.header(); header !== undefined; header = await reader.header()) yield header;
  } finally {
    await reader.close();
  }
}
