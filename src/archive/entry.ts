import type { Filter } from "./filter.js";

export type EntryType = "file" | "directory" | "symlink" | "hardlink";

/** One checked entry of an archive. Nothing of it may reach the workspace before the archive was read to its end. */
export interface ArchiveEntry {
  /** Relative to the root, without `.`, `..` or empty parts. */
  readonly path: string;
  readonly type: EntryType;
  /** Permission bits; never set-ID or sticky. */
  readonly mode: number;
  /** Modification time: whole seconds since 1970, which may be negative, and 0 to 999,999,999 ns after them. */
  readonly mtimeS: number;
  readonly mtimeNs: number;
  /** Bytes of a file's content, holes included; 0 for the other types. */
  readonly sizeBytes: number;
  /** Target of a symbolic link, byte for byte; for a hard link the path of an earlier file. */
  readonly target: string | null;
  /** For a file to be written: the pieces of it that `content` yields, between holes. Missing when that is all of the file. */
  readonly pieces?: readonly (readonly [offset: number, bytes: number])[] | null;
  /** A file's content. Requesting the next entry skips the unread rest. */
  readonly content: AsyncIterable<Buffer>;
}

export interface ReadOptions {
  /** Free space for content, in bytes; a function is called for each file. No limit when missing. */
  readonly freeBytes?: number | (() => number);
  /** Leaves entries out. */
  readonly filter?: Filter;
  /** Called for each entry that is imported without the extended attributes it has. */
  readonly onIgnoredXattrs?: () => void;
  /** Called for each entry that the filter left out; a directory counts once, with all its entries. */
  readonly onExcluded?: (path: string) => void;
  /** Accepts symbolic links that leave the tree. Without it they are refused. */
  readonly linksMayLeave?: boolean;
  readonly limits?: { readonly entries?: number; readonly pathBytes?: number; readonly nameBytes?: number };
}
