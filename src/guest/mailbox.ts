import { PyroError } from "../contract/errors.js";
import { LETTER_MAX_BYTES } from "./frames.js";
import { openExisting, type FileHandle } from "../host/files.js";

/** The place of a piece. */
export interface Letter {
  readonly at: number;
  readonly length: number;
}

/** The smallest piece for which a disk is quicker than frames in a running stream. No agent sends a smaller one. */
export const LETTER_WORTH_BYTES = 65_536;

/** The sizes of the two parts of a mailbox: the host writes the first, and the guest the second. */
interface MailboxSizes {
  readonly inBytes: number;
  /** 0 when the guest only reads. */
  readonly outBytes: number;
}

/**
 * The file behind a disk of a guest, in slots of one piece each: the guest's emulated CPU moves a large piece over it in a fraction of the
 * time that frames take. It holds only what this guest was sent, and what it sends.
 */
export class Mailbox {
  readonly #path: string;
  readonly #sizes: MailboxSizes;
  readonly #free: number[];
  #file: Promise<FileHandle> | null = null;

  constructor(path: string, sizes: MailboxSizes) {
    this.#path = path;
    this.#sizes = sizes;
    const count = Math.floor(sizes.inBytes / LETTER_MAX_BYTES);
    // The last freed slot is used first, so few slots are used and little memory caches them.
    this.#free = Array.from({ length: count }, (_, index) => (count - 1 - index) * LETTER_MAX_BYTES);
  }

  /** True when this guest sends pieces too, and takes them as standard input. */
  get isTwoWay(): boolean {
    return this.#sizes.outBytes > 0;
  }

  /** Writes bytes into a free slot and returns its offset; null when no slot is free or the file cannot be written. */
  async put(...pieces: readonly Buffer[]): Promise<number | null> {
    const at = this.#free.pop();
    if (at === undefined) return null;
    try {
      const file = await this.#open();
      let end = at;
      for (const bytes of pieces) {
        for (let done = 0; done < bytes.length;) {
          done += (await file.write(bytes, done, bytes.length - done, end + done)).bytesWritten;
        }
        end += bytes.length;
      }
      return at;
    } catch {
      // The host's disk is full, or the file was removed: frames can carry all content too.
      this.#free.push(at);
      return null;
    }
  }

  /** The guest has read the slot. */
  release(at: number): void {
    this.#free.push(at);
  }

  /**
   * Throws AGENT_PROTOCOL for a piece outside the part that the guest writes, and for one that is too small: each piece that waits takes
   * memory, and a window has room for millions of one byte.
   */
  assertSent({ at, length }: Letter): void {
    const { inBytes, outBytes } = this.#sizes;
    const isInside = at >= inBytes && at + length <= inBytes + outBytes;
    if (isInside && length >= LETTER_WORTH_BYTES && length <= LETTER_MAX_BYTES) return;
    throw new PyroError(
      "AGENT_PROTOCOL",
      "The guest sent mail that is not in its part of the mailbox, or too small or too large.",
    );
  }

  /** Reads a piece that the guest has sent into memory of its own: the guest may change the disk meanwhile, but not these bytes. */
  async take({ at, length }: Letter): Promise<Buffer> {
    const file = await this.#open();
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await file.read(bytes, done, length - done, at + done);
      if (bytesRead === 0)
        throw new PyroError("AGENT_PROTOCOL", "The mailbox ends before a piece that the guest sent.");
      done += bytesRead;
    }
    return bytes;
  }

  #open(): Promise<FileHandle> {
    return (this.#file ??= openExisting(this.#path));
  }

  close(): void {
    this.#free.length = 0;
    void this.#file?.then((file) => file.close()).catch(() => {});
  }
}
