import { z } from "zod";

import type { DataPieces } from "../host/data-pieces.js";
import type { Channel } from "./channel.js";
import { Download } from "./download.js";
import { MAX_PAYLOAD_BYTES } from "./frames.js";
import { count } from "./messages.js";
import { buildPath, isUtf8Name, parseName } from "./names.js";
import { ContentReader } from "./records.js";

/** An entry of a guest at the start of its content. */
export interface FetchedHeader {
  /** The path as it was requested. */
  readonly path: string;
  /** `absent` if it is missing, a device, FIFO or socket, or behind a link. */
  readonly type: "file" | "directory" | "symlink" | "absent";
  /** Permission bits. */
  readonly mode: number;
  readonly mtimeS: number;
  readonly mtimeNs: number;
  readonly sizeBytes: number;
  /** A symlink's text; null for anything else. */
  readonly target: string | null;
  /** The data of a file that is sent without its holes; null for anything else. */
  readonly pieces: DataPieces | null;
  /** The guest's name for this state of a file, for `learn`; null for none. */
  readonly stamp: string | null;
}

export interface FetchOptions {
  /** Fails when a file changes while it is read. */
  readonly isSteady?: boolean;
  /** A sparse file is sent as its data alone. The header has the pieces, and no chunk of content reaches beyond the end of one. */
  readonly isSparse?: boolean;
}

/** Receives one entry; unread content is skipped. */
export type TakeEntry = (header: FetchedHeader, content: AsyncIterable<Buffer>) => Promise<void>;

/** Pieces of data are whole blocks, except at a file's end. */
const BLOCK_BYTES = 4_096;
/** Maximum size of the paths in one request. */
const PATHS_BYTES = MAX_PAYLOAD_BYTES - 32_768;

const fetched = z.object({
  path: z.string().optional(),
  path_base64: z.base64().optional(),
  type: z.enum(["file", "directory", "symlink", "absent"]),
  mode: z.number().int().min(0).max(0o777),
  mtime_s: z.number().int(),
  mtime_ns: z.number().int().min(0).max(999_999_999),
  size: count,
  data: z.array(count).max(1_024).optional(),
  target: z.string().max(4_095).optional(),
  target_base64: z.base64().max(8_190).optional(),
  stamp: z.string().max(200).optional(),
});
const ended = z.object({ entries: count, bytes: count });

/**
 * Fetches selected entries of a guest's directory, with content, in the order of `paths`, which are relative and plain. Follows no
 * link. Throws AgentRefusal (IO with ESTALE if a file shrank while it was read, or changed and `isSteady` is set); the channel closes with AGENT_PROTOCOL if the guest
 * sends other entries than those requested.
 */
export async function fetchEntries(
  channel: Channel,
  root: string,
  paths: readonly string[],
  take: TakeEntry,
  options: FetchOptions = {},
): Promise<void> {
  for (const batch of batches(paths)) await fetchBatch(channel, { root, paths: batch, options }, take);
}

async function fetchBatch(
  channel: Channel,
  {
    root,
    paths,
    options,
  }: { readonly root: string; readonly paths: readonly string[]; readonly options: FetchOptions },
  take: TakeEntry,
): Promise<void> {
  const { isSteady, isSparse } = options;
  const how = { ...(isSteady && { steady: true }), ...(isSparse && { sparse: true }) };
  const fields = { ...buildPath("path", root), paths: paths.map(buildItem), ...how };
  const download = Download.start(channel, "fetch", fields, ended);
  const reader = new ContentReader(download);
  try {
    for (const path of paths) {
      const header = parseHeader(await reader.header());
      if (header?.path !== path) throw download.broken("a file that was not requested");
      const content = header.pieces === null ? reader.bytes(header.sizeBytes) : eachPiece(reader, header.pieces);
      await take(header, content);
      for await (const _ of content);
    }
    if ((await reader.header()) !== undefined) throw download.broken("more files than were requested");
  } finally {
    await reader.close();
  }
}

async function* eachPiece(reader: ContentReader, pieces: DataPieces): AsyncGenerator<Buffer, void, undefined> {
  for (const [, bytes] of pieces) yield* reader.bytes(bytes);
}

function buildItem(path: string): string | Record<string, string> {
  return isUtf8Name(path) ? path : buildPath("path", path);
}

function* batches(paths: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    const size = Buffer.byteLength(JSON.stringify(buildItem(path))) + 1;
    if (bytes + size > PATHS_BYTES && batch.length > 0) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(path);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function parseHeader(header: unknown): FetchedHeader | null {
  const { success, data } = fetched.safeParse(header);
  if (!success || (data.type !== "file" && data.size !== 0)) return null;
  const path = parseName(data.path, data.path_base64);
  const target = parseName(data.target, data.target_base64);
  if (path === null || (target !== null) !== (data.type === "symlink")) return null;
  const { type, mode, mtime_s, mtime_ns, size, stamp = null } = data;
  const pieces = data.data && type === "file" ? parsePieces(data.data, size) : null;
  if (data.data && pieces === null) return null;
  return { path, type, mode, mtimeS: mtime_s, mtimeNs: mtime_ns, sizeBytes: size, target, pieces, stamp };
}

/** Null for pieces that a file of this size cannot have. */
function parsePieces(numbers: readonly number[], sizeBytes: number): DataPieces | null {
  const pieces: [number, number][] = [];
  let end = 0;
  for (let at = 0; at < numbers.length; at += 2) {
    const [offset = 0, bytes = 0] = numbers.slice(at, at + 2);
    const isPlaced = offset >= end && offset % BLOCK_BYTES === 0 && bytes > 0 && offset + bytes <= sizeBytes;
    if (!isPlaced || (bytes % BLOCK_BYTES !== 0 && offset + bytes !== sizeBytes)) return null;
    pieces.push([offset, bytes]);
    end = offset + bytes;
  }
  return pieces;
}
