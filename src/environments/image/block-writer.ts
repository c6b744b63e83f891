import { setImmediate } from "node:timers/promises";

import { open } from "../../host/files.js";

export const BLOCK_BYTES = 4096;
const BUFFER_BYTES = 1_048_576;
const ZEROS = Buffer.alloc(BUFFER_BYTES);

/** Consecutive blocks of an image. */
export interface Run {
  readonly start: number;
  readonly blocks: number;
  readonly sizeBytes: number;
}

/** Writes an image from its first block on, one run after another. Blocks of zeros stay holes in the file. */
export class BlockWriter {
  readonly #file: Awaited<ReturnType<typeof open>>;
  readonly #mostBlocks: number;
  readonly #buffer = Buffer.alloc(BUFFER_BYTES);
  #buffered = 0;
  #written: number;

  private constructor(file: Awaited<ReturnType<typeof open>>, firstBlock: number, mostBlocks: number) {
    this.#file = file;
    this.#mostBlocks = mostBlocks;
    this.#written = firstBlock * BLOCK_BYTES;
  }

  /** Opens a new file; the blocks before `firstBlock` are written at the end, with `writeAt`. */
  static async create(path: string, firstBlock: number, mostBlocks: number): Promise<BlockWriter> {
    return new BlockWriter(await open(path, "wx+", 0o600), firstBlock, mostBlocks);
  }

  /** The block that the next run starts with. */
  get nextBlock(): number {
    return (this.#written + this.#buffered) / BLOCK_BYTES;
  }

  /** Appends bytes, padded to whole blocks. Throws RangeError when the image would exceed its limit. */
  async append(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, signal?: AbortSignal): Promise<Run> {
    const start = this.nextBlock;
    let sizeBytes = 0;
    for await (const chunk of content) {
      signal?.throwIfAborted();
      sizeBytes += chunk.length;
      if (start + sizeBytes / BLOCK_BYTES > this.#mostBlocks)
        throw new RangeError("the image exceeds its largest size");
      await this.#take(chunk);
    }
    await this.#take(ZEROS.subarray(0, -sizeBytes & (BLOCK_BYTES - 1)));
    return { start, blocks: Math.ceil(sizeBytes / BLOCK_BYTES), sizeBytes };
  }

  /** The first bytes of a run that was appended. */
  async read({ start, sizeBytes }: Run, mostBytes: number): Promise<Buffer> {
    await this.#flush();
    const bytes = Buffer.alloc(Math.min(sizeBytes, mostBytes));
    const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, start * BLOCK_BYTES);
    // Bytes after the end of the file are zeros that were not written yet.
    bytes.fill(0, bytesRead);
    return bytes;
  }

  async writeAt(offset: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      at += (await this.#file.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
    }
  }

  /** Gives the file its length in blocks and closes it. */
  async finish(blocks: number): Promise<void> {
    await this.#flush();
    await this.#file.truncate(blocks * BLOCK_BYTES);
    await this.close();
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #take(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const taken = chunk.subarray(at, at + BUFFER_BYTES - this.#buffered);
      this.#buffer.set(taken, this.#buffered);
      this.#buffered += taken.length;
      at += taken.length;
      if (this.#buffered === BUFFER_BYTES) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#buffered);
    if (!bytes.equals(ZEROS.subarray(0, bytes.length))) await this.writeAt(this.#written, bytes);
    // A hole takes no input and no output, and a large one would leave the process no turn for anything else.
    else await setImmediate();
    this.#written += bytes.length;
    this.#buffered = 0;
  }
}
