import { z } from "zod";

import { PyroError } from "../contract/errors.js";
import type { Channel } from "./channel.js";
import { count } from "./messages.js";
import { Upload } from "./upload.js";

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
  /** Entries that the workspace had already, with equal content; 0 from an agent that does not compare. */
  readonly unchanged: number;
}

/** A moment of the guest's clock. */
export interface GuestTime {
  readonly s: number;
  readonly ns: number;
}

/** The outcome for entries to remove. */
export interface RemovalCounts {
  readonly removed: number;
  /** Entries that the guest has changed since. */
  readonly kept: number;
}

export interface Committed extends RemovalCounts {
  /** A time after all changes of the commit, and before every later one; null from an older agent. */
  readonly at: GuestTime | null;
}

const removals = { removed: count.default(0), kept: count.default(0) };
const totals = z.object({ entries: count, bytes: count, unchanged: count.default(0), ...removals });
const commitTime = {
  at_s: count.optional(),
  at_ns: z.number().int().min(0).max(999_999_999).optional(),
};
const commitAnswer = z.object({ ...removals, ...commitTime });

const MAX_HEADER_BYTES = 16_384;
/**
 * Maximum entries under way: other requests wait behind them, and an emulated guest takes a millisecond even for a small entry. The
 * agent acknowledges every 64.
 */
const GROUP_ENTRIES = 256;
const GROUPS_ON_THE_WAY = 2;
/** A file of this size starts a new piece in the mailbox. */
const LARGE_BYTES = 262_144;

/**
 * A tree of files on its way into a guest's workspace, which does not change before `commit` and changes all at once then.
 * One caller at a time. Every method throws AgentRefusal when the guest refuses, and PyroError when the channel is closed.
 */
export class Stage implements AsyncDisposable {
  readonly #channel: Channel;
  readonly #upload: Upload<StageTotals>;
  #entries = 0;
  /** The ends of the groups of entries that the guest may not have written yet. */
  readonly #groups: number[] = [];
  #hasCommitted = false;

  private constructor(channel: Channel, upload: Upload<StageTotals>) {
    this.#channel = channel;
    this.#upload = upload;
  }

  /**
   * Begins a stage for the directory `path`, which need not exist. `id` (1 to 64 hex digits in lower case, new for each stage) is the
   * one that `isCommitted` asks for. A dry run only compares, and can only be cancelled.
   */
  static async open(
    channel: Channel,
    request: { readonly path: string; readonly id: string; readonly isDryRun?: boolean },
  ): Promise<Stage> {
    const { path, id, isDryRun = false } = request;
    const fields = { path, id, ...(isDryRun && { dry_run: true }) };
    return new Stage(channel, await Upload.start(channel, "stage", fields, totals));
  }

  /** Adds one entry; `content` yields exactly `sizeBytes` bytes. Resolves once they are on their way, in step with the guest. */
  async add(header: EntryHeader, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = []): Promise<void> {
    await this.#upload.write(buildRecord(header));
    // The start of a piece is aligned in the guest's memory, so that it goes to the disk without being copied.
    if (this.#channel.mailbox && header.sizeBytes >= LARGE_BYTES) await this.#upload.flush();
    let left = header.sizeBytes;
    for await (const bytes of content) {
      left -= bytes.length;
      if (left < 0) break;
      await this.#upload.write(bytes);
    }
    if (left !== 0) throw new PyroError("INTERNAL", `The content of ${header.path} does not have the announced size.`);
    await this.#countEntry();
  }

  /** Removes an entry of the workspace, unless it was changed after `since`; a directory when nothing is left in it. */
  async remove(path: string, isDirectory: boolean, since: GuestTime): Promise<void> {
    const type = isDirectory ? "absent_directory" : "absent";
    await this.#upload.write(buildRecord({ path, type, mode: 0, mtimeS: since.s, mtimeNs: since.ns, sizeBytes: 0 }));
    await this.#countEntry();
  }

  async #countEntry(): Promise<void> {
    this.#entries += 1;
    if (this.#entries % GROUP_ENTRIES === 0) await this.#endGroup();
  }

  async #endGroup(): Promise<void> {
    await this.#upload.flush();
    this.#groups.push(this.#upload.offset);
    if (this.#groups.length <= GROUPS_ON_THE_WAY) return;
    await this.#upload.waitForAcked(this.#groups.shift()!);
  }

  /** Ends the entries. Resolves when the guest has all of them completely. */
  finish(): Promise<StageTotals> {
    return this.#upload.finish();
  }

  /**
   * Commits the staged tree: the workspace has all of it, or is unchanged and this throws. Waits for a paused
   * guest. If the channel ends meanwhile, `isCommitted` on another channel returns the outcome.
   */
  async commit(): Promise<Committed> {
    this.#hasCommitted = true;
    const fields = { transfer: this.#upload.stream };
    const answer = await this.#channel.ask("commit", fields, commitAnswer, { timeoutMs: null, blocks: true });
    return { removed: answer.removed, kept: answer.kept, at: timeOf(answer) };
  }

  /** Drops the staged tree; the workspace is unchanged. Does nothing after `commit`. */
  async cancel(): Promise<void> {
    if (!this.#hasCommitted) await this.#upload.cancel();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cancel();
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

/** True when the stage of this id was committed, for a daemon that lost the answer. The guest remembers the last 64. */
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
