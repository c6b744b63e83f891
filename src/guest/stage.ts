import { z } from "zod";

import { PyroError } from "../contract/errors.js";
import { AgentRefusal, type Channel } from "./channel.js";
import { Credit } from "./credit.js";
import { buildData, buildMail, MAX_PAYLOAD_BYTES, parseWindow, type Frame } from "./frames.js";
import { LETTER_MAX_BYTES } from "./mailbox.js";
import { channelNumber, count, frameType, response } from "./messages.js";
import { outOfOrder, parseJson } from "./payload.js";

/** One entry of a staged tree (protocol/PROTOCOL.md §5). */
export interface EntryHeader {
  /** Relative to the destination, without empty, `.` or `..` parts; `.` alone is the destination itself. */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "hardlink";
  /** Permission bits; those above 0777 are dropped. */
  readonly mode: number;
  readonly mtimeS: number;
  readonly mtimeNs: number;
  /** Content that follows; 0 for anything but a file. */
  readonly sizeBytes: number;
  /** A symlink's text, or the path of the earlier file that a hardlink names. */
  readonly target?: string;
}

export interface StageTotals extends RemovalCounts {
  readonly entries: number;
  readonly bytes: number;
  /** Entries that the workspace has already, equal; 0 from an agent that does not compare. */
  readonly unchanged: number;
}

/** A moment of the guest's clock. */
export interface GuestTime {
  readonly s: number;
  readonly ns: number;
}

/** What became of entries that were to be removed. */
export interface RemovalCounts {
  readonly removed: number;
  /** Those that the guest has changed since. */
  readonly kept: number;
}

export interface Committed extends RemovalCounts {
  /** Behind all changes of the commit, and before every later one; null from an older agent. */
  readonly at: GuestTime | null;
}

const removals = { removed: count.default(0), kept: count.default(0) };
const totals = z.object({ entries: count, bytes: count, unchanged: count.default(0), ...removals });
const commitTime = {
  at_s: count.optional(),
  at_ns: z.number().int().min(0).max(999_999_999).optional(),
};
const commitAnswer = z.object({ ...removals, ...commitTime });

/** Longest piece of content in one frame. */
const CHUNK_BYTES = MAX_PAYLOAD_BYTES - 9;
const MAX_HEADER_BYTES = 16_384;
/** What an agent grants at most. */
const GRANT_BYTES = 4_194_304;
/** Below this a frame is as quick as a letter. */
const LETTER_MIN_BYTES = 8_192;
/** Other requests wait behind what is on its way, and an emulated guest takes a millisecond for an entry, however small. The agent tells after every 64. */
const GROUP_ENTRIES = 256;
const GROUPS_ON_THE_WAY = 2;
/** A file of this size begins a letter. */
const LARGE_BYTES = 262_144;

/**
 * A tree of files on its way into a guest's workspace, which does not change before `commit` and changes all at once then.
 * One caller at a time. Every method throws AgentRefusal when the guest says no, and PyroError when the channel is gone.
 */
export class Stage implements AsyncDisposable {
  readonly #channel: Channel;
  readonly #stream: number;
  readonly #buffer: Buffer;
  /** Letters that the guest may not have read yet: their slots, and the offset behind each. */
  #letters: { readonly at: number; readonly end: number }[] = [];
  #filled = 0;
  readonly #credit = new Credit(GRANT_BYTES);
  #offset = 0;
  #hasFinished = false;
  #entries = 0;
  /** Where groups of entries end that the guest may not have written yet. */
  readonly #groups: number[] = [];
  #failure: Error | null = null;
  #totals: StageTotals | null = null;
  #isOver = false;
  #wake: () => void = () => {};

  private constructor(channel: Channel) {
    this.#channel = channel;
    this.#buffer = Buffer.allocUnsafe(channel.mailbox ? LETTER_MAX_BYTES : CHUNK_BYTES);
    this.#stream = channel.takeStream();
  }

  /**
   * Begins a stage for the directory `path`, which need not exist. `id` (1 to 64 hex digits in lower case, new for each stage)
   * is what `isCommitted` asks by. A dry run only compares, and can only be cancelled.
   */
  static async open(
    channel: Channel,
    request: { readonly path: string; readonly id: string; readonly isDryRun?: boolean },
  ): Promise<Stage> {
    const stage = new Stage(channel);
    channel.listen(stage.#stream, {
      onFrame: (frame) => stage.#receive(frame),
      onClosed: (reason) => stage.#fail(reason),
    });
    const { path, id, isDryRun = false } = request;
    const fields = { op: "stage", path, id, ...(isDryRun && { dry_run: true }) };
    channel.send(frameType.request, stage.#stream, Buffer.from(JSON.stringify(fields)));
    await stage.#until(() => stage.#credit.limit > 0);
    return stage;
  }

  /** Adds one entry; `content` yields exactly `sizeBytes` bytes. Resolves once they are on their way, in step with the guest. */
  async add(header: EntryHeader, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = []): Promise<void> {
    if (this.#failure) throw this.#failure;
    await this.#write(buildRecord(header));
    // What begins a letter lies in the guest's memory so that it goes to the disk without being copied.
    if (this.#channel.mailbox && header.sizeBytes >= LARGE_BYTES) await this.#flush();
    let left = header.sizeBytes;
    for await (const bytes of content) {
      left -= bytes.length;
      if (left < 0) break;
      await this.#write(bytes);
    }
    if (left !== 0) throw new PyroError("INTERNAL", `The content of ${header.path} has not the size that was said.`);
    await this.#countEntry();
  }

  /** Removes an entry of the workspace, unless it was changed after `since`; a directory when nothing is left in it. */
  async remove(path: string, isDirectory: boolean, since: GuestTime): Promise<void> {
    const type = isDirectory ? "absent_directory" : "absent";
    await this.#write(buildRecord({ path, type, mode: 0, mtimeS: since.s, mtimeNs: since.ns, sizeBytes: 0 }));
    await this.#countEntry();
  }

  async #countEntry(): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#entries += 1;
    if (this.#entries % GROUP_ENTRIES === 0) await this.#endGroup();
  }

  async #endGroup(): Promise<void> {
    await this.#flush();
    this.#groups.push(this.#offset);
    if (this.#groups.length <= GROUPS_ON_THE_WAY) return;
    const oldest = this.#groups.shift()!;
    await this.#until(() => this.#credit.acked >= oldest);
  }

  /** No more entries. Resolves when the guest holds all of them, whole. */
  async finish(): Promise<StageTotals> {
    await this.#flush();
    this.#hasFinished = true;
    const end = buildData({ channel: channelNumber.content, offset: this.#offset, bytes: Buffer.alloc(0) });
    this.#channel.send(frameType.eof, this.#stream, end);
    await this.#until(() => this.#totals !== null);
    return this.#totals!;
  }

  /**
   * Switches the finished tree in: the workspace holds all of it, or is as it was and this throws. Waits for a guest that stands
   * still. When the channel ends meanwhile, only `isCommitted` on another one can tell.
   */
  async commit(): Promise<Committed> {
    this.#isOver = true;
    const fields = { transfer: this.#stream };
    const answer = await this.#channel.ask("commit", fields, commitAnswer, { timeoutMs: null, blocks: true });
    return { removed: answer.removed, kept: answer.kept, at: timeOf(answer) };
  }

  /** Drops what was staged; the workspace is as it was. Does nothing after `commit`. */
  async cancel(): Promise<void> {
    if (this.#isOver) return;
    this.#fail(new PyroError("ABORTED", "The transfer was cancelled."));
    try {
      await this.#channel.request("cancel", { transfer: this.#stream }, { timeoutMs: null });
    } catch (error) {
      // The end of a session cancels too.
      if (!(error instanceof PyroError)) throw error;
    }
    this.#releaseLetters();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cancel();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const step = Math.min(bytes.length - at, this.#buffer.length - this.#filled);
      this.#buffer.set(bytes.subarray(at, at + step), this.#filled);
      this.#filled += step;
      at += step;
      if (this.#filled === this.#buffer.length) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    if (this.#filled < LETTER_MIN_BYTES || !(await this.#mail(this.#buffer.subarray(0, this.#filled)))) await this.#frame();
    this.#filled = 0;
  }

  /** Lays the bytes into the mailbox, whole, once the guest takes that much. False when there is no place for them. */
  async #mail(bytes: Buffer): Promise<boolean> {
    const at = await this.#channel.mailbox?.put(bytes);
    if (at === undefined || at === null) return false;
    const end = this.#offset + bytes.length;
    try {
      await this.#until(() => this.#credit.limit >= end);
      if (this.#failure) throw this.#failure;
    } catch (error) {
      this.#channel.mailbox?.release(at);
      throw error;
    }
    const mail = buildMail({ channel: channelNumber.content, offset: this.#offset, at, length: bytes.length });
    this.#letters.push({ at, end });
    this.#offset = end;
    if (!this.#channel.send(frameType.mail, this.#stream, mail)) await this.#channel.drained();
    return true;
  }

  async #frame(): Promise<void> {
    for (let at = 0; at < this.#filled; ) {
      await this.#until(() => this.#credit.limit > this.#offset);
      const bytes = this.#buffer.subarray(at, Math.min(this.#filled, at + CHUNK_BYTES, at + this.#credit.limit - this.#offset));
      const payload = buildData({ channel: channelNumber.content, offset: this.#offset, bytes });
      // Before it is sent: the guest may have taken it before the host goes on here.
      this.#offset += bytes.length;
      at += bytes.length;
      if (!this.#channel.send(frameType.data, this.#stream, payload)) await this.#channel.drained();
    }
  }

  /** Frees the slots of letters that end before `acked`. */
  #releaseLetters(acked = Infinity): void {
    for (const { at, end } of this.#letters) if (end <= acked) this.#channel.mailbox?.release(at);
    this.#letters = this.#letters.filter(({ end }) => end > acked);
  }

  #receive(frame: Frame): void {
    if (frame.type === frameType.window) {
      const window = parseWindow(frame.payload);
      if (window.channel !== channelNumber.content) throw outOfOrder(frame);
      this.#credit.open(window, this.#offset);
      this.#releaseLetters(window.acked);
    } else if (frame.type === frameType.response) {
      const answer = parseJson(frame, response);
      this.#releaseLetters();
      if (!answer.ok) return this.#fail(new AgentRefusal("stage", answer.error));
      if (!this.#hasFinished) throw outOfOrder(frame);
      this.#totals = parseJson(frame, totals);
      this.#channel.unlisten(this.#stream);
    } else throw outOfOrder(frame);
    this.#wake();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#isOver = true;
    this.#channel.unlisten(this.#stream);
    this.#wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!this.#failure && !condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#failure) throw this.#failure;
  }
}

type RecordHeader = Omit<EntryHeader, "type"> & { readonly type: EntryHeader["type"] | "absent" | "absent_directory" };

function buildRecord({ path, type, mode, mtimeS, mtimeNs, sizeBytes, target }: RecordHeader): Buffer {
  const rest = { type, mode: mode & 0o777, mtime_s: mtimeS, mtime_ns: mtimeNs, size: sizeBytes };
  let text = Buffer.from(JSON.stringify({ path, ...rest, target }));
  // Control characters take six bytes each in JSON; base64 of the two longest names always fits.
  if (text.length > MAX_HEADER_BYTES) {
    const base64 = (name: string | undefined) => name && Buffer.from(name).toString("base64");
    text = Buffer.from(JSON.stringify({ path_base64: base64(path), ...rest, target_base64: base64(target) }));
  }
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text]);
}

const committed = z.object({ committed: z.boolean(), ...commitTime });

/** Whether the stage of this id was committed, asked by whoever lost the answer. The guest remembers the last 64. */
export async function isCommitted(channel: Channel, id: string): Promise<boolean> {
  return (await askCommitted(channel, id)).isCommitted;
}

/** The same, with the moment that the lost answer had. */
export async function askCommitted(
  channel: Channel,
  id: string,
): Promise<{ readonly isCommitted: boolean; readonly at: GuestTime | null }> {
  const answer = await channel.ask("committed", { id }, committed, { timeoutMs: null });
  return { isCommitted: answer.committed, at: timeOf(answer) };
}

function timeOf({ at_s, at_ns }: z.infer<typeof commitAnswer> | z.infer<typeof committed>): GuestTime | null {
  return at_s === undefined || at_ns === undefined ? null : { s: at_s, ns: at_ns };
}
