import { looksLikeArchive } from "../../archive/write.js";
import { PyroError } from "../../contract/errors.js";
import { realpath } from "../../host/files.js";
import { type BigIntStats, readFileExactly, statBig } from "../../host/tree.js";
import { packDirectory } from "./directory.js";
import { sourceChanged, unreadable } from "./failure.js";

export interface PackOptions {
  readonly exclude?: readonly string[];
  readonly include?: readonly string[];
  readonly signal?: AbortSignal;
  /** Called as the stream is read, for each entry of a directory and each piece of an archive. */
  readonly onProgress?: (progress: PackProgress) => void;
}

export interface PackProgress {
  /** Entries begun; null for an archive. */
  readonly entryCount: number | null;
  /** Bytes of the stream that were handed on. */
  readonly bytes: number;
}

/** What is sent: its figures are known before the first byte is. */
export interface PackedSource {
  readonly kind: "directory" | "archive";
  /** The source's own path, links in it resolved. */
  readonly path: string;
  /** Bytes of the stream. */
  readonly sizeBytes: number;
  /** Bytes of all files' content, entries, and what the patterns left out; null for an archive: only reading it tells. */
  readonly contentBytes: number | null;
  readonly entryCount: number | null;
  readonly excludedCount: number | null;
  /** To be read once. That it ends without an error is the proof that nothing changed meanwhile. */
  readonly stream: AsyncIterable<Buffer>;
}

/** Looks the source over, and names all that cannot be sent before a byte is. */
export async function packSource(path: string, options: PackOptions = {}): Promise<PackedSource> {
  let resolved: string;
  let stat: BigIntStats;
  try {
    resolved = await realpath(path);
    stat = await statBig(resolved);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "ENAMETOOLONG" && code !== "ERR_INVALID_ARG_VALUE") {
      throw unreadable([path], 1, error);
    }
    throw new PyroError("SOURCE_NOT_FOUND", `There is no ${path}.`, { details: { path }, cause: error });
  }
  if (stat.isDirectory()) return packDirectory(resolved, options);
  if (!stat.isFile()) throw unsupported(path, "is neither a directory nor a regular file");
  if (!/\.(tar|tar\.gz|tgz)$/i.test(path) && !/\.(tar|tar\.gz|tgz)$/i.test(resolved)) {
    throw unsupported(path, "is a file, and its name does not end in .tar, .tar.gz or .tgz");
  }
  return packArchive(path, resolved, stat, options);
}

async function packArchive(path: string, resolved: string, stat: BigIntStats, options: PackOptions) {
  const read = () => readFileExactly(resolved, stat, () => sourceChanged([path]));
  try {
    let start: Buffer = Buffer.alloc(0);
    for await (const chunk of read()) {
      start = chunk.subarray(0, 512);
      break;
    }
    if (!looksLikeArchive(start)) throw unsupported(path, "is no tar archive, gzipped or not");
  } catch (error) {
    throw error instanceof PyroError ? error : unreadable([path], 1, error);
  }
  async function* stream() {
    let bytes = 0;
    for await (const chunk of read()) {
      options.signal?.throwIfAborted();
      yield chunk;
      bytes += chunk.length;
      options.onProgress?.({ entryCount: null, bytes });
    }
  }
  return {
    kind: "archive",
    path: resolved,
    sizeBytes: Number(stat.size),
    contentBytes: null,
    entryCount: null,
    excludedCount: null,
    stream: stream(),
  } as const;
}

function unsupported(path: string, why: string): PyroError {
  return new PyroError("SOURCE_UNSUPPORTED", `${path} ${why}.`, { details: { path } });
}
