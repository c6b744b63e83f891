import { PyroError } from "../contract/errors.js";
import { LARGE_BYTES } from "./costs.js";
import type { Data, Mail } from "./frames.js";
import type { Letter, Mailbox } from "./mailbox.js";

/** The window of one stream: how far the agent may send before it must wait. Frames with data never pass it. */
export const WINDOW_BYTES = 262_144;
/** The window of an agent that sends pieces through a mailbox; these take no memory before they are read. */
const MAILED_WINDOW_BYTES = 2_097_152;
/** A new window is granted when this much of the old one is used up. */
const GRANT_BYTES = 65_536;
/** Pieces are joined up to this size. */
const BLOCK_BYTES = 65_536;

export interface ReceiverOptions {
  /** The bytes of the stream that the host holds already. */
  readonly from: number;
  /** Takes bytes in order. The next are held back until it resolves. */
  readonly deliver: (bytes: Buffer) => Promise<void>;
  /** Counts the work of one delivery of this size. */
  readonly spend: (sizeBytes: number) => void;
  /** The mailbox of a guest that sends pieces through it. */
  readonly mailbox?: Mailbox | null;
  /** Grants a new window, from `acked` to `limit`. The stream waits for it too, so that no grants pile up before a guest that does not read them. */
  readonly grant: (acked: number, limit: number) => Promise<void>;
  readonly onFailed: (error: unknown) => void;
}

/** One output stream: checks offsets, delivers bytes in order, and grants windows as they are taken. Holds at most one window of bytes. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #held = new Held();
  #received: number;
  #acked: number;
  #granted: number;
  /** The offset of the stream's end, once the guest has sent it. */
  #end: number | null = null;
  #hasEof = false;
  #isStopped = false;
  #pumping: Promise<void> | null = null;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    this.#received = this.#acked = this.#granted = options.from;
  }

  get received(): number {
    return this.#received;
  }

  /** True when everything up to the stream's end has arrived. */
  get isWhole(): boolean {
    return this.#received === this.#end;
  }

  /** The window to grant at first. */
  limitFrom(acked: number): number {
    return acked + (this.#options.mailbox ? MAILED_WINDOW_BYTES : WINDOW_BYTES);
  }

  take({ offset, bytes }: Data): void {
    this.#advance(offset, bytes.length, this.#granted + WINDOW_BYTES);
    if (this.#isStopped) return;
    this.#held.push(bytes);
    this.#pumping ??= this.#pump();
  }

  /** A piece in the mailbox, which is read when its turn comes. */
  takeMail({ offset, at, length }: Mail): void {
    const { mailbox } = this.#options;
    if (!mailbox) throw new PyroError("AGENT_PROTOCOL", "The guest sent mail, but has no mailbox.");
    mailbox.assertSent({ at, length });
    this.#advance(offset, length, this.limitFrom(this.#granted));
    if (this.#isStopped) return;
    this.#held.pushLetter({ at, length });
    this.#pumping ??= this.#pump();
  }

  #advance(offset: number, length: number, limit: number): void {
    const end = offset + length;
    if (length === 0 || offset !== this.#received || end > Math.min(this.#end ?? Infinity, limit) || this.#hasEof) {
      throw new PyroError(
        "AGENT_PROTOCOL",
        "The guest sent output that overlaps, leaves a gap, or passes its window or end.",
      );
    }
    this.#received = end;
  }

  /** The guest's end of the stream: all bytes before the offset were sent. */
  takeEof(offset: number): void {
    if (this.#hasEof || offset !== this.#received) {
      throw new PyroError(
        "AGENT_PROTOCOL",
        "The guest ended an output stream twice, or at another offset than its last byte.",
      );
    }
    this.#hasEof = true;
    this.endAt(offset);
  }

  /** The guest's announcement of the stream's last offset. */
  endAt(offset: number): void {
    if (offset < this.#received || (this.#end !== null && this.#end !== offset)) {
      throw new PyroError(
        "AGENT_PROTOCOL",
        "The guest set the end of an output stream before the last byte that it sent.",
      );
    }
    this.#end = offset;
  }

  /** Resolves when all received bytes were taken, or the reader has stopped. */
  async flushed(): Promise<void> {
    await this.#pumping;
  }

  /** Drops undelivered bytes, and grants no more. */
  stop(): void {
    this.#isStopped = true;
    this.#held.clear();
  }

  async #pump(): Promise<void> {
    // Frames that arrived together are delivered together.
    await Promise.resolve();
    try {
      for (let held = this.#held.shift(); held !== null; held = this.#held.shift()) {
        const bytes = Buffer.isBuffer(held) ? held : await this.#options.mailbox!.take(held);
        // The guest may reuse the slot in another session.
        if (this.#isStopped) break;
        this.#options.spend(bytes.length);
        await this.#options.deliver(bytes);
        this.#acked += bytes.length;
        if (this.#acked - this.#granted < GRANT_BYTES || this.#isStopped) continue;
        await this.#options.grant(this.#acked, this.limitFrom(this.#acked));
        this.#granted = this.#acked;
      }
    } catch (error) {
      this.stop();
      this.#options.onFailed(error);
    }
    this.#pumping = null;
  }
}

/** Bytes and pieces of mail in order, the bytes in few blocks for any size of pieces. Keeps copies, so that a small piece does not keep its whole chunk in memory. */
class Held {
  readonly #blocks: ({ bytes: Buffer; filled: number } | Letter)[] = [];

  push(piece: Buffer): void {
    const last = this.#blocks.at(-1);
    if (last === undefined || !("filled" in last) || last.filled + piece.length > BLOCK_BYTES) {
      this.#blocks.push({ bytes: blockOf(piece), filled: piece.length });
      return;
    }
    if (last.filled + piece.length > last.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, 2 * (last.filled + piece.length)));
      last.bytes.copy(larger, 0, 0, last.filled);
      last.bytes = larger;
    }
    piece.copy(last.bytes, last.filled);
    last.filled += piece.length;
  }

  pushLetter(letter: Letter): void {
    this.#blocks.push(letter);
  }

  shift(): Buffer | Letter | null {
    const first = this.#blocks.shift();
    if (first === undefined) return null;
    return "filled" in first ? first.bytes.subarray(0, first.filled) : first;
  }

  clear(): void {
    this.#blocks.length = 0;
  }
}

/** A copy of a piece. A large one gets room for a whole block at once, since more will follow. */
function blockOf(piece: Buffer): Buffer {
  if (piece.length < LARGE_BYTES || piece.length > BLOCK_BYTES) return Buffer.from(piece);
  const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  piece.copy(block);
  return block;
}
