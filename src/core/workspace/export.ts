import { posix } from "node:path";

import type { ArchiveEntry } from "../../archive/entry.js";
import { writeArchive } from "../../archive/write.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { Channel } from "../../guest/channel.js";
import { fetchEntries, type FetchedHeader } from "../../guest/fetch.js";
import { learn, type Learned } from "../../guest/learn.js";
import { list } from "../../guest/listing.js";
import { isUtf8Name } from "../../guest/names.js";
import { Holes } from "../../host/data-pieces.js";
import { gzip } from "../../host/gzip.js";
import { handOver } from "../../host/hand-over.js";
import { ContentKeeper } from "../../store/content-keeper.js";
import type { WorkspaceBase } from "../../store/workspace-base.js";
import { WORKSPACE } from "./destination.js";
import { HASHED_BYTES } from "./read-workspace.js";

/** How many entries one request names. */
const BATCH = 512;

/**
 * Sends files of a guest as a tar stream. Throws the errors of `explainTreeRefusal`. If a pulling client named the entries, keeps the
 * content, which later diffs need.
 */
export async function exportFiles(
  channel: Channel,
  input: InputOf<"task.export">,
  { base, send }: { readonly base: WorkspaceBase; readonly send: (bytes: Buffer) => Promise<void> },
): Promise<ResultOf<"task.export">> {
  const keeper = input.entries ? new ContentKeeper(base.content) : null;
  const path = posix.resolve(WORKSPACE, input.path);
  const counts = { entry_count: 0, bytes: 0, skipped_special: 0 };
  const learned: Learned[] = [];
  const entries = handOver<ArchiveEntry>(async (give) => {
    for await (const { root, paths } of input.entries
      ? batchesOf(path, input.entries)
      : listBatches(channel, path, counts)) {
      await fetchEntries(
        channel,
        root,
        paths,
        async (header, content) => {
          const isKept = keeper !== null && header.type === "file";
          const { stamp, sizeBytes, pieces } = header;
          const onEnd = (_: number, sha256: string) => {
            if (stamp !== null && sizeBytes > HASHED_BYTES) learned.push({ stamp, sha256 });
          };
          const kept = isKept ? keeper.pass(content, onEnd, pieces && new Holes(pieces, sizeBytes)) : content;
          const entry = toArchive(header, kept);
          if (entry === null) return void (counts.skipped_special += 1);
          counts.entry_count += 1;
          counts.bytes += entry.sizeBytes;
          await give(entry);
        },
        { isSteady: keeper !== null, isSparse: true },
      );
      await learn(channel, learned.splice(0));
    }
  });
  const archive = writeArchive(entries);
  for await (const bytes of input.gzip ? gzip(archive) : archive) await send(bytes);
  await keeper?.flush();
  return { task_id: input.task_id, path, ...counts };
}

function* batchesOf(root: string, all: readonly string[]) {
  for (let start = 0; start < all.length; start += BATCH) yield { root, paths: all.slice(start, start + BATCH) };
}

/** The entry at a path; of a directory, its entries. */
async function* listBatches(channel: Channel, path: string, counts: { skipped_special: number }) {
  let paths: string[] = [];
  let root = path;
  for await (const entry of list(channel, path)) {
    if (entry.path === ".") {
      if (entry.type === "directory") continue;
      root = posix.dirname(path);
      paths.push(posix.basename(path));
    } else if (entry.type === "other" || !isUtf8Name(entry.path)) {
      counts.skipped_special += 1;
      continue;
    } else {
      paths.push(entry.path);
    }
    if (paths.length < BATCH) continue;
    yield { root, paths };
    paths = [];
  }
  if (paths.length > 0) yield { root, paths };
}

function toArchive(
  { path, type, mode, mtimeS, mtimeNs, sizeBytes, pieces, target }: FetchedHeader,
  content: AsyncIterable<Buffer>,
): ArchiveEntry | null {
  if (type === "absent" || (target !== null && !isUtf8Name(target))) return null;
  const entry = { path, type, mode, mtimeS, mtimeNs, sizeBytes, target, content };
  return pieces === null ? entry : { ...entry, pieces };
}
