import { openExisting, type FileHandle } from "../host/files.js";

/** Maximum content of one slot. */
export const LETTER_MAX_BYTES = 1_048_576;

/**
 * The file behind a guest's read-only disk, in slots of one piece each. The guest's emulated CPU reads a large piece from there in a
 * fraction of the time that frames take. It holds only content for this guest.
 */
export class Mailbox {
  readonly #path: string;
  readonly #free: number[];
  #file: Promise<FileHandle> | null = null;

  constructor(path: string, sizeBytes: number) {
    this.#path = path;
    const count = Math.floor(sizeBytes / LETTER_MAX_BYTES);
    // The slot that was freed last is used first, so the host caches memory for few slots.
    this.#free = Array.from({ length: count }, (_, index) => (count - 1 - index) * LETTER_MAX_BYTES);
  }

  /** Writes bytes into a free slot and returns its offset; null when no slot is free or the file cannot be written. */
  async put(bytes: Buffer): Promise<number | null> {
    const at = this.#free.pop();
    if (at === undefined) return null;
    try {
      const file = await (this.#file ??= openExisting(this.#path));
      for (let done = 0; done < bytes.length;) {
        done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
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

  close(): void {
    this.#free.length = 0;
    void this.#file?.then((file) => file.close()).catch(() => {});
  }
}
