import { z } from "zod";

import type { Channel } from "./channel.js";
import { Download } from "./download.js";
import { count } from "./messages.js";
import { buildPath } from "./names.js";
import { Upload } from "./upload.js";

/** A file as it was when the guest opened it. */
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
  /** The SHA-256, in hex, that the file must still have when all content is there. */
  readonly replaces?: string;
}

export interface Written {
  readonly bytes: number;
  /** There was no file of this name. */
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
 * Reads a file's bytes from `offset` on; beyond its end there are none. Links are followed. `content()` throws AgentRefusal (IO with
 * ENOENT, EISDIR, or EOPNOTSUPP for what is no regular file); `answer` has the facts once it was read to its end.
 */
export function readFile(channel: Channel, path: string, { offset = 0, maxBytes }: ReadOptions = {}): Download<FileFacts> {
  const fields = { ...buildPath("path", path), offset, ...(maxBytes !== undefined && { length: maxBytes }) };
  return Download.start(channel, "read", fields, read);
}

/**
 * Writes a file, whose directories are made when they are missing: it is the old or the new one, and nothing is left of one whose
 * content fails. An append takes place as the bytes come. Throws AgentRefusal (IO with ESTALE when `replaces` does not hold).
 */
export async function writeFile(
  channel: Channel,
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { mode, append = false, replaces }: WriteOptions = {},
): Promise<Written> {
  const fields = {
    ...buildPath("path", path),
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

/** Makes a directory and its parents; false when it is there already. */
export async function makeDirectory(channel: Channel, path: string, mode?: number): Promise<boolean> {
  const fields = { ...buildPath("path", path), ...(mode !== undefined && { mode }) };
  return (await channel.ask("mkdir", fields, made)).created;
}

/** Gives a file or directory another name on its file system. Replaces a file only when `replace` is true (IO with EEXIST). */
export async function renameFile(channel: Channel, path: string, to: string, replace: boolean): Promise<void> {
  await channel.request("rename", { ...buildPath("path", path), ...buildPath("to", to), replace });
}

/** Removes a name; a directory with what is in it when that is asked for (IO with ENOTEMPTY). Returns how many names are gone. */
export async function removeFile(channel: Channel, path: string, recursive: boolean): Promise<number> {
  const fields = { ...buildPath("path", path), recursive };
  return (await channel.ask("remove", fields, removed, { timeoutMs: null })).removed;
}
