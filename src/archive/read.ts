import type { ArchiveEntry, ReadOptions } from "./entry.js";

/** The checked entries of a tar archive, gzipped or not. Throws an ARCHIVE_… error at any moment up to the very end. */
export declare function readArchive(
  source: AsyncIterable<Uint8Array>,
  options?: ReadOptions,
): AsyncIterable<ArchiveEntry>;
