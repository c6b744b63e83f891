import { isUtf8 } from "node:buffer";
import { type BigIntStats, constants, lstatSync, readlinkSync } from "node:fs";
import { access, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export type { BigIntStats } from "node:fs";

/** One name in a tree on disk. Links are examined, never followed. */
export interface Found {
  /** The path beneath the tree's root; not exact when the name is not UTF-8. */
  readonly path: string;
  readonly absolutePath: string;
  readonly isUtf8: boolean;
  readonly stat: BigIntStats;
  /** The raw target of a symbolic link. */
  readonly target: Buffer | null;
}

export interface WalkOptions {
  /** True for entries to skip; all that is in a skipped directory is skipped too. */
  readonly excludes: (path: string, isDirectory: boolean) => boolean;
  /** Called for each name that cannot be read, and for each that disappears between two looks at it. */
  readonly onUnreadable: (path: string, error: NodeJS.ErrnoException) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Every name beneath a directory, a directory before its content, in the same order each time. `path` is the directory's own path in
 * the tree. Single names are examined synchronously: Node's threads would take ten times as long.
 */
export async function* walkTree(directory: string, options: WalkOptions, path = ""): AsyncGenerator<Found> {
  options.signal?.throwIfAborted();
  const names = await readNames(directory, path, options);
  for (const name of names) {
    const found = look(directory, path, name, options);
    if (found === null) continue;
    yield found;
    if (found.stat.isDirectory() && found.isUtf8) yield* walkTree(found.absolutePath, options, found.path);
  }
}

async function readNames(directory: string, path: string, { onUnreadable }: WalkOptions): Promise<Buffer[]> {
  try {
    return (await readdir(directory, { encoding: "buffer" })).sort(Buffer.compare);
  } catch (error) {
    onUnreadable(path === "" ? "." : path, error as NodeJS.ErrnoException);
    return [];
  }
}

function look(directory: string, parent: string, name: Buffer, options: WalkOptions): Found | null {
  const text = name.toString("utf8");
  const path = parent === "" ? text : `${parent}/${text}`;
  const absolutePath = join(directory, text);
  const exact = Buffer.concat([Buffer.from(`${directory === "/" ? "" : directory}/`), name]);
  try {
    const seen = readName(exact);
    if (options.excludes(path, seen.stat.isDirectory())) return null;
    return { path, absolutePath, isUtf8: isUtf8(name), ...seen };
  } catch (error) {
    if (!options.excludes(path, false)) options.onUnreadable(path, error as NodeJS.ErrnoException);
    return null;
  }
}

/** The same name once more; null when it has disappeared. */
export function lookAgain(path: string, absolutePath: string): Found | null {
  try {
    return { path, absolutePath, isUtf8: true, ...readName(absolutePath) };
  } catch (error) {
    if (hasDisappeared(error)) return null;
    throw error;
  }
}

function readName(path: string | Buffer): Pick<Found, "stat" | "target"> {
  const stat = lstatSync(path, { bigint: true });
  if (!stat.isSymbolicLink()) return { stat, target: null };
  try {
    return { stat, target: readlinkSync(path, { encoding: "buffer" }) };
  } catch (error) {
    // The entry was replaced and is no longer a link.
    if ((error as NodeJS.ErrnoException).code === "EINVAL") return readName(path);
    throw error;
  }
}

/** True for the errors of a name that was removed, or became something else, between two looks at it. */
export function hasDisappeared(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR" || code === "ELOOP" || code === "EISDIR" || code === "ESTALE";
}

/** Whether this process may read a file, or the file has disappeared. In the end, only opening the file decides. */
export async function mayRead(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(() => true, hasDisappeared);
}

export async function statBig(path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true });
}

/** Bytes read at once. */
const READ_BYTES = 1_048_576;
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A file's content as it was when the file was examined; `onChanged` throws when the file has changed since. */
export async function* readFileExactly(
  path: string,
  seen: BigIntStats,
  onChanged: () => never,
): AsyncGenerator<Buffer> {
  const file = await open(path, FLAGS);
  try {
    if (!isUnchanged(seen, await file.stat({ bigint: true }))) onChanged();
    for (let left = Number(seen.size); left > 0;) {
      const wanted = Math.min(left, READ_BYTES);
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, null);
      if (bytesRead === 0) onChanged();
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    if (!isUnchanged(seen, await file.stat({ bigint: true }))) onChanged();
  } finally {
    await file.close();
  }
}

/** Whether two looks saw the same file, unchanged between them. */
export function isUnchanged(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}
