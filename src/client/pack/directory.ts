import { createHash } from "node:crypto";

import type { ArchiveEntry } from "../../archive/entry.js";
import { createFilter } from "../../archive/filter.js";
import { writeArchive } from "../../archive/write.js";
import { PyroError } from "../../contract/errors.js";
import { type Found, readFileExactly, walkTree } from "../../host/tree.js";
import { describe, HardLinks } from "./describe.js";
import { sourceChanged, unreadable } from "./failure.js";
import type { PackedSource, PackOptions } from "./pack.js";
import { fingerprint, scanTree } from "./scan.js";

/** Entries that the error names. */
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
      throw asFailure(error, root, options.signal);
    }
    if (bytes !== scan.sizeBytes) sourceChanged(["."]);
    options.onProgress?.({ entryCount, bytes });
  }
  const { entryCount, excludedCount, contentBytes, sizeBytes } = scan;
  return { kind: "directory", path: root, sizeBytes, contentBytes, entryCount, excludedCount, stream: stream() };
}

async function* readEntries(walk: AsyncIterable<Found>, onEntry: () => void): AsyncGenerator<ArchiveEntry> {
  const links = new HardLinks();
  for await (const found of walk) {
    const entry = describe(found, links);
    if (entry === null) return sourceChanged([found.path]);
    onEntry();
    const content = readFileExactly(found.absolutePath, found.stat, () => sourceChanged([found.path]));
    yield { ...entry, content };
  }
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

function asFailure(error: unknown, root: string, signal: AbortSignal | undefined): unknown {
  if (error instanceof PyroError || signal?.aborted) return error;
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  const entry = path?.toString().replace(`${root}/`, "") ?? ".";
  if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "ELOOP") return unreadable([entry], 1, error);
  return new PyroError("SOURCE_CHANGED", `The source changed while it was packed: ${entry}.`, {
    details: { entries: [entry] },
    cause: error,
  });
}
