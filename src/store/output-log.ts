import { PyroError } from "../contract/errors.js";
import { Waiting } from "../host/waiting.js";
import { Lag, UNDERWAY_BYTES, type Place } from "./lag.js";
import { RecentChunks, type Chunk } from "./recent-chunks.js";
import { SegmentFiles } from "./segment-files.js";
import { KEPT_HALF_BYTES, type Range } from "./segments.js";

/** How far a blocking follower may lag, in bytes. */
const MAX_LAG_BYTES = 2 << 20;
/** How much is written while a disconnected follower may return. With the lag and the bytes under way it fits into the kept end. */
const AHEAD_BYTES = KEPT_HALF_BYTES - MAX_LAG_BYTES - UNDERWAY_BYTES;
/** The most that is written in one step. */
const MAX_STEP_BYTES = 1 << 20;

/**
 * Opens one stream of one exec, with the output that was received: any process may have died at any moment before. Only one may be open
 * for a directory and name at a time.
 */
export async function openOutputLog(directory: string, name: "stdout" | "stderr"): Promise<OutputLog> {
  try {
    return new OutputLog(await SegmentFiles.open(directory, name));
  } catch (error) {
    throw PyroError.from(error);
  }
}

/** The output of a command on disk: its first and last 4 MiB, more while a follower needs it, and where they were in the stream. */
export class OutputLog {
  readonly #files: SegmentFiles;
  readonly #lag = new Lag();
  readonly #recent = new RecentChunks();
  readonly #waiting = new Waiting();
  /** The offset of the next append, if all appends before it succeed. */
  #promisedBytes: number;
  #queue: Promise<void> = Promise.resolve();
  #queued = 0;
  #failure: PyroError | null = null;
  #isClosing = false;
  #isFinal = false;

  constructor(files: SegmentFiles) {
    this.#files = files;
    this.#promisedBytes = files.totalBytes;
  }

  /** Bytes received of the stream, dropped ones too. */
  get totalBytes(): number {
    return this.#files.totalBytes;
  }

  /** True when the stream has ended. */
  get isFinal(): boolean {
    return this.#isFinal;
  }

  /** The ranges that are still kept. */
  keptRanges(): Range[] {
    return this.#files.ranges();
  }

  /**
   * Adds to the end, in the order of the calls; resolves when the bytes survive the death of this process. Waits for blocking
   * followers. Up to 1 MiB is added whole or not at all; more is added in such steps. After a failure, such as DISK_FULL, the waiting
   * calls fail too, since they would leave a gap; then continue from `totalBytes`.
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
    const wanted = Math.max(1, maxBytes);
    return this.#recent.read(offset, wanted) ?? this.#files.read(offset, wanted);
  }

  /** Resolves when there are bytes past an offset, when the stream has ended, or when the caller disconnects. */
  async changed(offset: number, signal?: AbortSignal): Promise<void> {
    await this.#waiting.until(() => this.totalBytes > offset || this.#isFinal, signal);
  }

  /** Makes the writer wait for a follower that has taken everything before an offset. */
  attach(offset: number): Place {
    return this.#lag.attach(offset);
  }

  /**
   * Keeps the place of a disconnected blocking follower, which may return to any byte that is kept now: the writer writes little more, and
   * nothing is dropped.
   */
  keepPlace(): Pick<Place, "leave"> {
    const place = this.#lag.attach(this.totalBytes + AHEAD_BYTES - MAX_LAG_BYTES, 0);
    return {
      leave: () => {
        place.leave();
        this.#queue = this.#queue.then(() => this.#dropMiddle());
      },
    };
  }

  /**
   * From now on the writer waits for no follower: at the end of a command, whose result must not wait for a client that has stopped
   * reading. Such a client loses no byte of up to 1 MiB more.
   */
  releaseWriter(): void {
    this.#lag.release();
  }

  /** Ends the log after the pending appends. Kept output can still be read. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#queue;
    await this.#dropMiddle();
    await this.#files.close().catch(() => {});
    this.#recent.clear();
    this.#isFinal = true;
    this.#waiting.wake();
  }

  async #appendAt(offset: number, bytes: Buffer): Promise<void> {
    try {
      if (this.#failure !== null && offset !== this.totalBytes) throw this.#failure;
      this.#failure = null;
      for (let at = 0; at < bytes.length; at += MAX_STEP_BYTES) {
        const step = bytes.subarray(at, at + MAX_STEP_BYTES);
        await this.#lag.allPast(this.totalBytes + step.length - MAX_LAG_BYTES);
        await this.#write(step);
        await this.#dropMiddle();
      }
    } catch (error) {
      throw (this.#failure = PyroError.from(error));
    } finally {
      this.#queued -= 1;
      if (this.#queued === 0) this.#promisedBytes = this.totalBytes;
    }
  }

  #dropMiddle(): Promise<void> {
    return this.#files.dropMiddle(this.#lag.oldest);
  }

  async #write(bytes: Buffer): Promise<void> {
    const offset = this.totalBytes;
    await this.#files.append(bytes);
    if (this.#lag.isFollowed) this.#recent.add({ offset, bytes });
    else this.#recent.clear();
    this.#waiting.wake();
  }
}
