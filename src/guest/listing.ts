import { z } from "zod";

import type { Channel } from "./channel.js";
import { Download } from "./download.js";
import { count } from "./messages.js";
import { buildFile, buildPath, encodeName, type GuestFile, parseName } from "./names.js";
import { readHeaders } from "./records.js";

/** The fields of an entry that a manifest has. */
export interface BriefEntry {
  /** Relative to the path that was listed, which is `.` itself. A byte that is not UTF-8 is a lone surrogate (`encodeName`). */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink" | "other";
  /** Permission, set-ID and sticky bits. */
  readonly mode: number;
  readonly sizeBytes: number;
  /** A symlink's text; null for anything else. */
  readonly target: string | null;
  /** A mount point, whose content is not listed. */
  readonly isMount: boolean;
  /** SHA-256 of a file's content in hex; null if not requested, or if the file changed while it was read, or is too long to be hashed. */
  readonly sha256: string | null;
}

/** One entry of a guest's file system. Times are those of the guest's clock. */
export interface ListedEntry extends BriefEntry {
  readonly uid: number;
  readonly gid: number;
  readonly mtimeS: number;
  readonly mtimeNs: number;
}

interface ListOptions {
  /** Depth of the listed directories; 0 lists the path itself only, null everything. */
  readonly depth?: number | null;
  readonly limit?: number;
  /** The last path of the page before. */
  readonly after?: string | null;
  readonly hasDigests?: boolean;
  /** Longer files are not hashed, if the agent `learns`. */
  readonly hashBytes?: number | null;
}

const PATH_MAX_BYTES = 4_095;
const MAX_ID = 0xffff_ffff;
const SLASH = 0x2f;

const base64 = z.base64().max(2 * PATH_MAX_BYTES);
const brief = z.object({
  path: z.string().max(PATH_MAX_BYTES).optional(),
  path_base64: base64.optional(),
  type: z.enum(["file", "directory", "symlink", "other"]),
  mode: z.number().int().min(0).max(0o7777),
  size: count,
  target: z.string().max(PATH_MAX_BYTES).optional(),
  target_base64: base64.optional(),
  mount: z.boolean().optional(),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
});

const listed = brief.extend({
  uid: z.number().int().min(0).max(MAX_ID),
  gid: z.number().int().min(0).max(MAX_ID),
  mtime_s: z.number().int(),
  mtime_ns: z.number().int().min(0).max(999_999_999),
});

const ended = z.object({ entries: count, more: z.boolean() });

/**
 * Lists a path of the guest and everything beneath it, depth first, the names of a directory in the order of their bytes. Does not
 * follow links in the tree, and does not enter mounts. Returns true if there are more entries than `limit`. Throws AgentRefusal; the
 * channel closes with AGENT_PROTOCOL if an entry is malformed or out of order.
 */
export function list(
  channel: Channel,
  file: GuestFile,
  options: ListOptions = {},
): AsyncGenerator<ListedEntry, boolean, undefined> {
  return receive(channel, buildRequest(file, options), options, parseListed);
}

/** The same with the facts of a manifest alone. */
export function listBriefly(
  channel: Channel,
  file: GuestFile,
  options: ListOptions = {},
): AsyncGenerator<BriefEntry, boolean, undefined> {
  return receive(channel, { ...buildRequest(file, options), brief: true }, options, parseBrief);
}

async function* receive<Entry extends BriefEntry>(
  channel: Channel,
  request: Readonly<Record<string, unknown>>,
  { limit = Infinity, after = null }: ListOptions,
  parseEntry: (header: unknown) => Entry | null,
): AsyncGenerator<Entry, boolean, undefined> {
  const download = Download.start(channel, "list", request, ended);
  let entries = 0;
  let last = after === null ? null : sortKey(after);
  for await (const header of readHeaders(download)) {
    const entry = parseEntry(header);
    if (entry === null || entries === limit) throw download.broken("a list that was not requested");
    const key = sortKey(entry.path);
    if (last !== null && key.compare(last) <= 0) throw download.broken("a list in the wrong order");
    last = key;
    entries += 1;
    yield entry;
  }
  if (download.answer.entries !== entries) throw download.broken("a list of another length than announced");
  return download.answer.more;
}

function buildRequest(file: GuestFile, options: ListOptions) {
  const { depth = null, limit, after = null, hasDigests = false, hashBytes = null } = options;
  return {
    ...buildFile(file),
    ...(depth !== null && { depth }),
    ...(limit !== undefined && { limit }),
    ...(after !== null && buildPath("after", after)),
    ...(hasDigests && { digests: true }),
    ...(hashBytes !== null && { hash_bytes: hashBytes }),
  };
}

/** Null for a header that is not a valid entry. */
function parseListed(header: unknown): ListedEntry | null {
  const { success, data } = listed.safeParse(header);
  const entry = success ? checkBrief(data) : null;
  return entry && { ...entry, uid: data!.uid, gid: data!.gid, mtimeS: data!.mtime_s, mtimeNs: data!.mtime_ns };
}

function parseBrief(header: unknown): BriefEntry | null {
  const { success, data } = brief.safeParse(header);
  return success ? checkBrief(data) : null;
}

function checkBrief(data: z.infer<typeof brief>): BriefEntry | null {
  const path = parseName(data.path, data.path_base64);
  const target = parseName(data.target, data.target_base64);
  if (path === null || !isPlain(path) || (target !== null) !== (data.type === "symlink")) return null;
  if (data.sha256 !== undefined && data.type !== "file") return null;
  return {
    path,
    type: data.type,
    mode: data.mode,
    sizeBytes: data.size,
    target,
    isMount: data.mount === true,
    sha256: data.sha256 ?? null,
  };
}

/** `.`, or a relative path without empty, `.` and `..` parts. */
function isPlain(path: string): boolean {
  if (path === ".") return true;
  const parts = path.split("/");
  return !path.includes("\0") && parts.every((part) => part !== "" && part !== "." && part !== "..");
}

/** A key whose byte order is the order of a list: a directory, its entries, then the next name. */
function sortKey(path: string): Buffer {
  if (path === ".") return Buffer.alloc(0);
  const key = encodeName(path);
  for (let at = key.indexOf(SLASH); at !== -1; at = key.indexOf(SLASH, at + 1)) key[at] = 0;
  return key;
}
