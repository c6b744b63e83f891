import { createHash } from "node:crypto";

import type { ArchiveEntry } from "../../archive/entry.js";
import { createFilter } from "../../archive/filter.js";
import { writeArchive } from "../../archive/write.js";
import { PyroError } from "../../contract/errors.js";
import { type Found, readFileExactly, walkTree } from "../../host/tree.js";
import { describe, type Described, HardLinks } from "./describe.js";
import { sourceChanged, unreadable } from "./failure.js";
import type { PackedSource, PackOptions } from "./pack.js";
import { fingerprint, scanTree } from "./scan.js";

/** Small files that are read while those before them are sent. */
const READ_AHEAD = 32;
const SMALL_BYTES = 131_072;
const NAMED = 20;

/** A directory as a tar stream. It is walked before, to count and to refuse, and after, to see that nothing changed. */
export async function packDirectory(root: string, options: PackOptions): Promise<PackedSource> {
  const filter = createFilter(options);
  const excludes = (path: string, isDirectory: boolean) => filter?.excludes(path, isDirectory) ?? false;
  const startedNs = BigInt(Date.now()) * 1_000_000n;
  const scan = await scanTree(root, excludes, options.signal);
  const walk = () => walkTree(root, { excludes, signal: options.signal });

  async function* stream() {
    let entryCount = 0;
    let bytes = 0;
    const onEntry = () => options.onProgress?.({ entryCount: ++entryCount, bytes });
    try {
      for await (const chunk of writeArchive(readEntries(walk(), onEntry))) {
        options.signal?.throwIfAborted();
        // The end is held back until nothing can be wrong any more.
        bytes += chunk.length;
        if (bytes >= scan.sizeBytes) await assertUnchanged(walk(), scan.digest, startedNs);
        yield chunk;
      }
    } catch (error) {
      throw asFailure(error, options.signal);
    }
    if (bytes !== scan.sizeBytes) sourceChanged(["."]);
    options.onProgress?.({ entryCount, bytes });
  }
  const { entryCount, excludedCount, contentBytes, sizeBytes } = scan;
  return { kind: "directory", path: root, sizeBytes, contentBytes, entryCount, excludedCount, stream: stream() };
}

/** Entries with their content; what follows next is read ahead when it is small. */
async function* readEntries(walk: AsyncIterable<Found>, onEntry: () => void): AsyncGenerator<ArchiveEntry> {
  const links = new HardLinks();
  const ahead: Promise<ArchiveEntry>[] = [];
  const next = async () => {
    const entry = await ahead.shift();
    if (entry === undefined) throw new Error("nothing was read ahead");
    onEntry();
    return entry;
  };
  try {
    for await (const found of walk) {
      const entry = describe(found, links);
      if (entry === null) sourceChanged([found.path]);
      const reading = withContent(found, entry);
      // It is met when its turn comes.
      reading.catch(() => {});
      ahead.push(reading);
      if (ahead.length >= READ_AHEAD) yield await next();
    }
    while (ahead.length > 0) yield await next();
  } finally {
    await Promise.allSettled(ahead);
  }
}

async function withContent(found: Found, entry: Described): Promise<ArchiveEntry> {
  const content = readFileExactly(found.absolutePath, found.stat, () => sourceChanged([found.path]));
  if (entry.type !== "file" || entry.sizeBytes > SMALL_BYTES) return { ...entry, content };
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return { ...entry, content: listOf(chunks) };
}

async function* listOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

/** Throws SOURCE_CHANGED unless the tree is as it was when it was scanned. */
async function assertUnchanged(walk: AsyncIterable<Found>, expected: string, sinceNs: bigint): Promise<void> {
  const digest = createHash("sha256");
  const changed: string[] = [];
  for await (const found of walk) {
    digest.update(fingerprint(found));
    if (found.stat.ctimeNs >= sinceNs && changed.length < NAMED) changed.push(found.path);
  }
  if (digest.digest("hex") !== expected) sourceChanged(changed.length === 0 ? ["."] : changed);
}

function asFailure(error: unknown, signal: AbortSignal | undefined): unknown {
  if (error instanceof PyroError || signal?.aborted) return error;
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const entry = path?.toString() ?? ".";
  if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "ELOOP") return unreadable([entry], 1, error);
  return new PyroError("SOURCE_CHANGED", `The source changed while it was packed: ${entry}.`, {
    details: { entries: [entry] },
    cause: error,
  });
}
