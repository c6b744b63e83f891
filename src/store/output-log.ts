import { PyroError } from "../contract/errors.js";
import { mkdir, open, rm, truncate, unlink, type FileHandle } from "../host/files.js";
import { Lag, type Place } from "./lag.js";
import { RecentChunks, type Chunk } from "./recent-chunks.js";
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

/** How far a blocking follower may be behind. With one append more, that is less than what is kept of the end. */
const MAX_LAG_BYTES = 2 << 20;
/** The most that is written in one step. */
const MAX_STEP_BYTES = 1 << 20;

/**
 * Opens one stream of one exec, as far as it was received: any process may have died at any moment before.
 * Only one may be open for a directory and name at a time.
 */
export async function openOutputLog(directory: string, name: "stdout" | "stderr"): Promise<OutputLog> {
  try {
    const log = new OutputLog(directory, name, await readSegments(directory, name));
    await log.dropMiddle();
    return log;
  } catch (error) {
    throw PyroError.from(error);
  }
}

/** The output of a command on disk: its first and last 4 MiB, and where they were in the stream. */
export class OutputLog {
  readonly #directory: string;
  readonly #name: string;
  readonly #lag = new Lag();
  readonly #recent = new RecentChunks();
  readonly #waiting = new Set<() => void>();
  #segments: Segment[];
  #totalBytes: number;
  /** Where the next append will land, when all that were called before succeed. */
  #promisedBytes: number;
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  #failure: PyroError | null = null;
  #writing: { readonly start: number; readonly file: FileHandle } | null = null;
  #isClosing = false;
  #isFinal = false;

  constructor(directory: string, name: string, segments: Segment[]) {
    this.#directory = directory;
    this.#name = name;
    this.#segments = segments;
    const last = segments.at(-1);
    this.#totalBytes = last === undefined ? 0 : last.start + last.sizeBytes;
    this.#promisedBytes = this.#totalBytes;
  }

  /** Bytes received of the stream, dropped ones too. */
  get totalBytes(): number {
    return this.#totalBytes;
  }

  /** True when nothing more comes. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** The ranges that are still kept. */
  keptRanges(): Range[] {
    return rangesOf(this.#segments);
  }

  /**
   * Adds to the end, in the order of the calls; resolves when a death of this process cannot take it back. Waits for
   * blocking followers. Up to 1 MiB is added whole or not at all (more: in such steps). After a failure, such as
   * DISK_FULL, the calls that already wait fail too, since they would leave a gap; then go on from `totalBytes`.
   */
  append(bytes: Buffer): Promise<void> {
    if (this.#isClosing) return Promise.reject(new PyroError("INTERNAL", "The output log is closed."));
    const offset = this.#promisedBytes;
    this.#promisedBytes += bytes.length;
    this.#queued += 1;
    const appended = this.#queue.then(() => this.#appendAt(offset, bytes));
    this.#queue = appended.catch(() => {});
    return appended;
  }

  /**
   * At most `maxBytes` from an offset on, or from the first byte after it that was not dropped; fewer where a segment
   * ends. Null when there is nothing (yet).
   */
  async read(offset: number, maxBytes: number): Promise<Chunk | null> {
    const recent = this.#recent.read(offset, Math.max(1, maxBytes));
    if (recent !== null) return recent;
    for (;;) {
      const segment = this.#segments.find(({ start, sizeBytes }) => start + sizeBytes > offset);
      if (segment === undefined) return null;
      const from = Math.max(offset, segment.start);
      const length = Math.min(Math.max(1, maxBytes), segment.start + segment.sizeBytes - from);
      const bytes = await this.#readSegment(segment.start, from - segment.start, length);
      if (bytes.length > 0) return { offset: from, bytes };
      // The segment was dropped or removed.
      this.#segments = this.#segments.filter(({ start }) => start !== segment.start);
    }
  }

  /** Resolves when there is something past an offset, when nothing more comes, or when the caller leaves. */
  async changed(offset: number, signal?: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#totalBytes > offset || this.#isFinal || signal?.aborted) return;
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal?.addEventListener("abort", wake);
      });
    }
  }

  /** Makes the writer wait for one who has taken everything before an offset. */
  attach(offset: number): Place {
    return this.#lag.attach(offset);
  }

  /** Keeps the position of a disconnected blocking follower, which may reconnect: its unread output stays. */
  keepPlace(): Place {
    return this.#lag.attach(this.#totalBytes - MAX_LAG_BYTES / 2);
  }

  /**
   * From now on the writer waits for nobody: for the end of a command, whose result must not hang on a client that has
   * stopped reading. Up to 1 MiB may still come without such a client losing a byte.
   */
  releaseWriter(): void {
    this.#lag.release();
  }

  /** Ends the log after the pending appends. Kept output can still be read. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#queue;
    await this.#closeFile().catch(() => {});
    this.#recent.clear();
    this.#isFinal = true;
    this.#notify();
  }

  /** Removes output between head and tail. */
  async dropMiddle(): Promise<void> {
    const dropped = this.#segments.filter((segment) => isInMiddle(segment, this.#totalBytes));
    if (dropped.length === 0) return;
    this.#segments = this.#segments.filter((segment) => !dropped.includes(segment));
    // A remaining file does no harm; the next process that opens the log removes it.
    for (const { start } of dropped) await unlink(this.#path(start)).catch(() => {});
  }

  async #appendAt(offset: number, bytes: Buffer): Promise<void> {
    try {
      if (this.#failure !== null && offset !== this.#totalBytes) throw this.#failure;
      this.#failure = null;
      for (let at = 0; at < bytes.length; at += MAX_STEP_BYTES) {
        await this.#lag.allPast(this.#totalBytes - MAX_LAG_BYTES);
        await this.#write(bytes.subarray(at, at + MAX_STEP_BYTES));
        await this.dropMiddle();
      }
    } catch (error) {
      throw (this.#failure = PyroError.from(error));
    } finally {
      this.#queued -= 1;
      if (this.#queued === 0) this.#promisedBytes = this.#totalBytes;
    }
  }

  async #write(bytes: Buffer): Promise<void> {
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
    if (this.#lag.isFollowed) this.#recent.add({ offset: before, bytes });
    else this.#recent.clear();
    this.#notify();
  }

  /** Undoes the append. Removes the last bytes first, so that any remaining bytes are a prefix of the stream. */
  async #undo(totalBytes: number): Promise<void> {
    await this.#closeFile();
    const start = segmentStart(totalBytes);
    await rm(this.#path(start + SEGMENT_BYTES), { force: true });
    if (totalBytes > start) await truncate(this.#path(start), totalBytes - start);
    else await rm(this.#path(start), { force: true });
  }

  /** The file of a segment, open for appending, which holds as much as we know of: an undoing may have failed. */
  async #openSegment(start: number, knownBytes: number): Promise<FileHandle> {
    if (this.#writing?.start === start) return this.#writing.file;
    await this.#closeFile();
    if (this.#totalBytes === 0) await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const file = await open(this.#path(start), "a", 0o600);
    this.#writing = { start, file };
    const { size } = await file.stat();
    if (size < knownBytes) throw new PyroError("INTERNAL", "Another process truncated an output log.");
    if (size > knownBytes) await file.truncate(knownBytes);
    return file;
  }

  async #closeFile(): Promise<void> {
    const writing = this.#writing;
    this.#writing = null;
    await writing?.file.close();
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

  #notify(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #path(start: number): string {
    return segmentPath(this.#directory, this.#name, start);
  }
}
