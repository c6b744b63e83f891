import { isUtf8 } from "node:buffer";
import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { access, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";

export type { BigIntStats } from "node:fs";

/** One name in a tree on disk. Links are looked at, never followed. */
export interface Found {
  /** Relative to the tree's root; not exact when the name is not UTF-8. */
  readonly path: string;
  readonly absolutePath: string;
  readonly isUtf8: boolean;
  readonly stat: BigIntStats;
  /** What a symbolic link holds, raw. */
  readonly target: Buffer | null;
}

export interface WalkOptions {
  /** Not looked at, and not looked into. */
  readonly excludes: (path: string, isDirectory: boolean) => boolean;
  /** A name that could not be read; without it, that error is thrown. */
  readonly onUnreadable?: (path: string, error: NodeJS.ErrnoException) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Every name beneath a directory, a directory before what lies in it, in the same order each time. Single names are looked at
 * at once: a detour over Node's threads takes ten times as long as the call.
 */
export async function* walkTree(root: string, options: WalkOptions, path = ""): AsyncGenerator<Found> {
  options.signal?.throwIfAborted();
  const names = await readNames(root, path, options);
  for (const name of names) {
    const found = look(root, path, name, options);
    if (found === null) continue;
    yield found;
    if (found.stat.isDirectory() && found.isUtf8) yield* walkTree(root, options, found.path);
  }
}

async function readNames(root: string, path: string, { onUnreadable }: WalkOptions): Promise<Buffer[]> {
  try {
    return (await readdir(join(root, path), { encoding: "buffer" })).sort(Buffer.compare);
  } catch (error) {
    if (onUnreadable === undefined) throw error;
    onUnreadable(path === "" ? "." : path, error as NodeJS.ErrnoException);
    return [];
  }
}

function look(root: string, parent: string, name: Buffer, options: WalkOptions): Found | null {
  const text = name.toString("utf8");
  const path = parent === "" ? text : `${parent}/${text}`;
  const exact = Buffer.concat([Buffer.from(`${join(root, parent)}/`), name]);
  try {
    const stat = lstatSync(exact, { bigint: true });
    if (options.excludes(path, stat.isDirectory())) return null;
    const target = stat.isSymbolicLink() ? readlinkSync(exact, { encoding: "buffer" }) : null;
    return { path, absolutePath: join(root, path), isUtf8: isUtf8(name), stat, target };
  } catch (error) {
    if (options.excludes(path, false)) return null;
    if (options.onUnreadable === undefined) throw error;
    options.onUnreadable(path, error as NodeJS.ErrnoException);
    return null;
  }
}

/** Whether this process may read a file; opening it is still what decides. */
export async function mayRead(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}

export async function statBig(path: string): Promise<BigIntStats> {
  return stat(path, { bigint: true });
}

/** Bytes read at once. */
const READ_BYTES = 1_048_576;
/** Files up to this size are read at once, as names are looked at. */
const SMALL_BYTES = 131_072;
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A file's content, as long as it was when it was looked at; `onChanged` throws when it is not that file any more. */
export async function* readFileExactly(
  path: string,
  seen: BigIntStats,
  onChanged: () => never,
): AsyncGenerator<Buffer> {
  if (seen.size <= SMALL_BYTES) {
    yield readSmallFile(path, seen, onChanged);
    return;
  }
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

function readSmallFile(path: string, seen: BigIntStats, onChanged: () => never): Buffer {
  const file = openSync(path, FLAGS);
  try {
    const content = Buffer.allocUnsafe(Number(seen.size));
    for (let read = 0; read < content.length;) {
      const bytes = readSync(file, content, read, content.length - read, null);
      if (bytes === 0) onChanged();
      read += bytes;
    }
    if (!isUnchanged(seen, fstatSync(file, { bigint: true }))) onChanged();
    return content;
  } finally {
    closeSync(file);
  }
}

function isUnchanged(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}
