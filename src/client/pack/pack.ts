import { looksLikeArchive } from "../../archive/write.js";
import { PyroError } from "../../contract/errors.js";
import { realpath } from "../../host/files.js";
import { type BigIntStats, readFileExactly, statBig } from "../../host/tree.js";
import { packDirectory, packFile } from "./directory.js";
import { sourceChanged, unreadableEntry } from "./failure.js";
import type { PackedSource, PackOptions } from "./options.js";
import { Report } from "./report.js";

const ARCHIVE_NAME = /\.(tar|tar\.gz|tgz)$/i;

/** Checks the source, and names all entries that cannot be sent before the first byte is sent. */
export async function packSource(path: string, options: PackOptions = {}): Promise<PackedSource> {
  let resolved: string;
  let stat: BigIntStats;
  try {
    resolved = await realpath(path);
    stat = await statBig(resolved);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR" && code !== "ENAMETOOLONG" && code !== "ERR_INVALID_ARG_VALUE") {
      throw unreadableEntry(path, error);
    }
    throw new PyroError("SOURCE_NOT_FOUND", `The source ${path} does not exist.`, { details: { path }, cause: error });
  }
  if (stat.isDirectory()) return packDirectory(resolved, options);
  if (!stat.isFile()) throw unsupported(path, "is neither a directory nor a regular file");
  if (options.gitTracked || options.withGit)
    throw unsupported(path, "is not a directory; --git-tracked and --with-git need one");
  const isArchive = !options.asFile && (ARCHIVE_NAME.test(path) || ARCHIVE_NAME.test(resolved));
  return isArchive ? packArchive(path, resolved, stat, options) : packFile(path, resolved, options);
}

async function packArchive(
  path: string,
  resolved: string,
  stat: BigIntStats,
  { signal }: PackOptions,
): Promise<PackedSource> {
  const read = () => readFileExactly(resolved, stat, () => sourceChanged(path));
  try {
    let start: Buffer = Buffer.alloc(0);
    for await (const chunk of read()) {
      start = chunk.subarray(0, 512);
      break;
    }
    if (!looksLikeArchive(start)) throw unsupported(path, "is not a tar archive, plain or gzipped");
  } catch (error) {
    throw error instanceof PyroError ? error : unreadableEntry(path, error);
  }
  async function* stream() {
    for await (const chunk of read()) {
      signal?.throwIfAborted();
      yield chunk;
    }
  }
  return {
    kind: "archive",
    path: resolved,
    contentBytes: null,
    entryCount: null,
    excludedCount: null,
    stream: stream(),
    report: () => new Report().render(),
  };
}

function unsupported(path: string, why: string): PyroError {
  return new PyroError("SOURCE_UNSUPPORTED", `${path} ${why}.`, { details: { path } });
}
