import { PyroError } from "../contract/errors.js";
import { limits as contractLimits } from "../contract/limits.js";
import { ByteReader } from "./bytes.js";
import { Checker } from "./checker.js";
import type { ArchiveEntry, ReadOptions } from "./entry.js";
import { gunzip, isGzip } from "./gunzip.js";
import { MemberReader } from "./members.js";
import { corrupt, refusal } from "./refusal.js";
import { expandSparse, readSparseMap } from "./sparse.js";

/** The checked entries of a tar archive, gzipped or not. Throws an ARCHIVE_… error at any moment up to the very end. */
export async function* readArchive(
  source: AsyncIterable<Uint8Array>,
  options: ReadOptions = {},
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const raw = new ByteReader(source);
  const limits = {
    entries: options.limits?.entries ?? contractLimits.importEntries,
    pathBytes: options.limits?.pathBytes ?? contractLimits.importPathBytes,
    nameBytes: options.limits?.nameBytes ?? contractLimits.importNameBytes,
  };
  const checker = new Checker(limits, options.linksMayLeave);
  let input = raw;
  try {
    const start = await raw.upTo(2);
    if (start.length === 0) throw corrupt("it is empty");
    raw.unread(start);
    if (isGzip(start)) input = new ByteReader(gunzip(raw));
    yield* readEntries(new MemberReader(input), checker, options);
    // Bytes after the end are read only for the checksums of gzip.
    await input.drain();
    checker.finish();
  } catch (error) {
    throw nameEntry(error, checker.lastShown);
  } finally {
    // Does not wait for the end: a source that gives nothing more would never answer.
    input.close().catch(() => {});
    if (input !== raw) raw.close().catch(() => {});
  }
}

async function* readEntries(
  reader: MemberReader,
  checker: Checker,
  { filter, onExcluded, onIgnoredXattrs, freeBytes }: ReadOptions,
): AsyncGenerator<ArchiveEntry, void, undefined> {
  const excluded = new Set<string>();
  let usedBytes = 0;
  for (let member = await reader.next(); member !== null; member = await reader.next()) {
    const name = checker.parseName(member);
    const excludedRoot = name.path === "" ? null : (filter?.excludedRoot(name.path, name.isDirectory) ?? null);
    if (excludedRoot !== null) {
      if (!excluded.has(excludedRoot)) onExcluded?.(excludedRoot);
      excluded.add(excludedRoot);
      continue;
    }
    const checked = checker.check(member, name);
    if (checked === null) continue;
    if (member.hasXattrs) onIgnoredXattrs?.();
    const isFile = checked.type === "file";
    const map = isFile ? await readSparseMap(member, reader) : null;
    const sizeBytes = isFile ? (map?.sizeBytes ?? member.storedBytes) : 0;
    usedBytes += sizeBytes;
    assertFreeSpace(usedBytes, freeBytes, member.shown);
    const content = map === null ? reader.content(sizeBytes) : expandSparse(map, reader);
    yield { ...checked, mtimeS: member.mtimeS, mtimeNs: member.mtimeNs, sizeBytes, content };
  }
}

function assertFreeSpace(neededBytes: number, freeBytes: ReadOptions["freeBytes"], shown: string): void {
  const room = typeof freeBytes === "function" ? freeBytes() : (freeBytes ?? Infinity);
  if (neededBytes <= room) return;
  throw refusal("WORKSPACE_FULL", shown, "the workspace has no space for it", {
    room_bytes: room,
    needed_bytes: neededBytes,
  });
}

/** Damage of the gzip data is found between entries: the one before it is named. */
function nameEntry(error: unknown, lastShown: string | null): unknown {
  if (!(error instanceof PyroError) || error.code !== "ARCHIVE_CORRUPT") return error;
  if ("entry" in error.details || lastShown === null) return error;
  return new PyroError(error.code, error.message, { details: { entry: lastShown, ...error.details }, cause: error });
}
