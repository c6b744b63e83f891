import { PyroError } from "../contract/errors.js";
import { mkdir, open, rm, truncate, unlink, type FileHandle } from "../host/files.js";
import type { Chunk } from "./recent-chunks.js";
import {
  isInMiddle,
  rangesOf,
  readSegments,
  SEGMENT_BYTES,
  segmentPath,
  segmentStart,
  type Range,
  type Segment,
} from "./segments.js";

/** The segments of one stream on disk. Only one may be open for a directory and name at a time. */
export class SegmentFiles {
  readonly #directory: string;
  readonly #name: string;
  #segments: Segment[];
  #totalBytes: number;
  #writing: { readonly start: number; readonly file: FileHandle } | null = null;

  private constructor(directory: string, name: string, segments: Segment[]) {
    this.#directory = directory;
    this.#name = name;
    this.#segments = segments;
    const last = segments.at(-1);
    this.#totalBytes = last === undefined ? 0 : last.start + last.sizeBytes;
  }

  /** Opens the segments on disk, with the bytes that were written: any process may have died at any moment before. */
  static async open(directory: string, name: string): Promise<SegmentFiles> {
    return new SegmentFiles(directory, name, await readSegments(directory, name));
  }

  /** Bytes of the stream, dropped ones too. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** The ranges that are still kept. */
  ranges(): Range[] {
    return rangesOf(this.#segments);
  }

  /** At most `maxBytes` from an offset on, or from the first byte after it that was not dropped; null when there are none. */
  async read(offset: number, maxBytes: number): Promise<Chunk | null> {
    for (;;) {
      const segment = this.#segments.find(({ start, sizeBytes }) => start + sizeBytes > offset);
      if (segment === undefined) return null;
      const from = Math.max(offset, segment.start);
      const length = Math.min(maxBytes, segment.start + segment.sizeBytes - from);
      const bytes = await this.#readSegment(segment.start, from - segment.start, length);
      if (bytes.length > 0) return { offset: from, bytes };
      // The segment was dropped or removed.
      this.#segments = this.#segments.filter(({ start }) => start !== segment.start);
    }
  }

  /** Adds to the end, whole or not at all. */
  async append(bytes: Buffer): Promise<void> {
    const before = this.#totalBytes;
    const written: Segment[] = [];
    try {
      for (let at = 0; at < bytes.length;) {
        const start = segmentStart(before + at);
        const knownBytes = before + at - start;
        const part = bytes.subarray(at, at + SEGMENT_BYTES - knownBytes);
        const file = await this.#openSegment(start, knownBytes);
        await file.writeFile(part);
        written.push({ start, sizeBytes: knownBytes + part.length });
        at += part.length;
      }
    } catch (error) {
      await this.#undo(before).catch(() => {});
      throw error;
    }
    const isRewritten = (segment: Segment) => written.some(({ start }) => start === segment.start);
    this.#segments = [...this.#segments.filter((segment) => !isRewritten(segment)), ...written];
    this.#totalBytes += bytes.length;
  }

  /** Removes output between head and tail, as far as it is before an offset. */
  async dropMiddle(oldestNeeded: number): Promise<void> {
    const dropped = this.#segments.filter((segment) => isInMiddle(segment, this.#totalBytes, oldestNeeded));
    if (dropped.length === 0) return;
    this.#segments = this.#segments.filter((segment) => !dropped.includes(segment));
    // A remaining file does no harm; the next process that writes to the log removes it.
    for (const { start } of dropped) await unlink(this.#path(start)).catch(() => {});
  }

  /** Closes the file that was written last. Reading still works. */
  async close(): Promise<void> {
    const writing = this.#writing;
    this.#writing = null;
    await writing?.file.close();
  }

  /** Undoes an append. Removes the last bytes first, so that any remaining bytes are a prefix of the stream. */
  async #undo(totalBytes: number): Promise<void> {
    await this.close();
    const start = segmentStart(totalBytes);
    await rm(this.#path(start + SEGMENT_BYTES), { force: true });
    if (totalBytes > start) await truncate(this.#path(start), totalBytes - start);
    else await rm(this.#path(start), { force: true });
  }

  /** The file of a segment, open for appending. It holds exactly the known bytes: undoing an append may have failed. */
  async #openSegment(start: number, knownBytes: number): Promise<FileHandle> {
    if (this.#writing?.start === start) return this.#writing.file;
    await this.close();
    if (this.#totalBytes === 0) await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const file = await open(this.#path(start), "a", 0o600);
    this.#writing = { start, file };
    const { size } = await file.stat();
    if (size < knownBytes) throw new PyroError("INTERNAL", "Another process truncated an output log.");
    if (size > knownBytes) await file.truncate(knownBytes);
    return file;
  }

  async #readSegment(start: number, position: number, length: number): Promise<Buffer> {
    let file: FileHandle;
    try {
      file = await open(this.#path(start), "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return Buffer.alloc(0);
      throw PyroError.from(error);
    }
    try {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    } catch (error) {
      throw PyroError.from(error);
    } finally {
      await file.close();
    }
  }

  #path(start: number): string {
    return segmentPath(this.#directory, this.#name, start);
  }
}
