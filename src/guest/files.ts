import { z } from "zod";

import type { Channel } from "./channel.js";
import { Download } from "./download.js";
import { count } from "./messages.js";
import { buildFile, buildPath, type GuestFile } from "./names.js";
import { Upload } from "./upload.js";

/** A file's facts when the guest opened it. */
export interface FileFacts {
  readonly sizeBytes: number;
  readonly mode: number;
  readonly mtimeS: number;
  readonly mtimeNs: number;
}

interface ReadOptions {
  readonly offset?: number;
  readonly maxBytes?: number;
}

interface WriteOptions {
  /** Permission bits; without it those of the file that is replaced, or 0644. */
  readonly mode?: number;
  readonly append?: boolean;
  /** The SHA-256, in hex, that the file must have at the moment of its replacement. */
  readonly replaces?: string;
}

export interface Written {
  readonly bytes: number;
  /** True if no file had this name before. */
  readonly created: boolean;
}

const read = z
  .object({
    bytes: count,
    size: count,
    mode: z.number().int().min(0).max(0o7777),
    mtime_s: z.number().int(),
    mtime_ns: z.number().int().min(0).max(999_999_999),
  })
  .transform(({ size, mode, mtime_s, mtime_ns }) => ({ sizeBytes: size, mode, mtimeS: mtime_s, mtimeNs: mtime_ns }));
const written = z.object({ bytes: count, created: z.boolean() });
const made = z.object({ created: z.boolean() });
const removed = z.object({ removed: count });

/**
 * Reads a file's bytes from `offset` on; none if that is past the end. Follows links. `content()` throws AgentRefusal (IO with ENOENT,
 * EISDIR, or EOPNOTSUPP for a device, FIFO or socket); `answer` has the file's facts after the content was read to its end.
 */
export function readFile(
  channel: Channel,
  file: GuestFile,
  { offset = 0, maxBytes }: ReadOptions = {},
): Download<FileFacts> {
  const fields = { ...buildFile(file), offset, ...(maxBytes !== undefined && { length: maxBytes }) };
  return Download.start(channel, "read", fields, read);
}

/**
 * Writes a file atomically and creates missing directories; if the content fails, the old file stays. An append writes the bytes as
 * they arrive. Throws AgentRefusal (IO with ESTALE if the file does not have the digest `replaces`).
 */
export async function writeFile(
  channel: Channel,
  file: GuestFile,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { mode, append = false, replaces }: WriteOptions = {},
): Promise<Written> {
  const fields = {
    ...buildFile(file),
    ...(mode !== undefined && { mode }),
    ...(append && { append }),
    ...(replaces !== undefined && { replaces }),
  };
  const upload = await Upload.start(channel, "write", fields, written);
  try {
    for await (const bytes of content) await upload.write(bytes);
    return await upload.finish();
  } catch (error) {
    await upload.cancel();
    throw error;
  }
}

/** Creates a directory and its parents; returns false if it exists. */
export async function makeDirectory(channel: Channel, file: GuestFile, mode?: number): Promise<boolean> {
  const fields = { ...buildFile(file), ...(mode !== undefined && { mode }) };
  return (await channel.ask("mkdir", fields, made)).created;
}

/** Renames a file or directory within its file system. Replaces a file only if `replace` is true (else IO with EEXIST). */
export async function renameFile(channel: Channel, file: GuestFile, to: string, replace: boolean): Promise<void> {
  await channel.request("rename", { ...buildFile(file), ...buildPath("to", to), replace });
}

/** Removes a name; a directory with entries only if `recursive` is set (else IO with ENOTEMPTY). Returns the number of removed names. */
export async function removeFile(channel: Channel, file: GuestFile, recursive: boolean): Promise<number> {
  const fields = { ...buildFile(file), recursive };
  return (await channel.ask("remove", fields, removed, { timeoutMs: null })).removed;
}
