import { closeSync, constants, lstatSync, openSync, readFileSync, rmSync, watch, writeSync, type Stats } from "node:fs";
import { access, copyFile, lstat, open, readdir, readFile, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

export {
  chmodSync,
  copyFileSync,
  existsSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
export {
  appendFile,
  chmod,
  chown,
  copyFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
  type FileHandle,
} from "node:fs/promises";

const APPENDING =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Removes a file synchronously; a missing one is fine. */
export function removeFileSync(path: string): void {
  rmSync(path, { force: true });
}

/**
 * Calls back with the name of each entry that appears in or disappears from a directory, until stopped. Keeps no process alive.
 * Throws when the directory cannot be watched.
 */
export function watchDirectory(path: string, onEntry: (name: string) => void): () => void {
  const watcher = watch(path, { persistent: false }, (event, name) => {
    if (event === "rename" && name !== null) onEntry(name);
  });
  watcher.on("error", () => watcher.close());
  return () => watcher.close();
}

/** Copies a file; where the file system can, both files share their blocks until one changes. */
export function copyShared(from: string, to: string): Promise<void> {
  return copyFile(from, to, constants.COPYFILE_FICLONE);
}

/**
 * Opens a regular file for reading; null when the name belongs to something else. Waits for no FIFO, which would block one of Node's
 * few threads for ever.
 */
export async function openRegular(path: string): Promise<FileHandle | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if ((await file.stat()).isFile()) return file;
  } catch (error) {
    await file.close();
    throw error;
  }
  await file.close();
  return null;
}

/** Opens an existing file for writing. Does not follow a link and does not wait for a FIFO that replaced it. */
export function openExisting(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/**
 * Opens a file for appending, and makes it when it is missing. A link in its place is not followed, and a FIFO not waited for.
 */
export function openAppending(path: string): Promise<FileHandle> {
  return open(path, APPENDING, 0o600);
}

/** The same, synchronously; returns the descriptor. */
export function openAppendingSync(path: string): number {
  return openSync(path, APPENDING, 0o600);
}

/** Adds a line to a file that it opens as openAppending does, synchronously. */
export function appendLineSync(path: string, line: string): void {
  const file = openAppendingSync(path);
  try {
    writeSync(file, `${line}\n`);
  } finally {
    closeSync(file);
  }
}

/** Replaces a file whole: a reader sees the old content or the new, also after a crash. */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = join(dirname(path), `.${crypto.randomUUID().slice(24)}.tmp`);
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The entry at a path, without following links; null when it does not exist or a parent is not a directory. */
export function lookAtName(path: string): Stats | null {
  try {
    // Missing names are asked for often, and creating an error takes longer than the call.
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return null;
    throw error;
  }
}

/** The names in a directory; none when it does not exist. */
export async function listNames(path: string): Promise<string[]> {
  return readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

/** Makes renames in a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  await sync(path, constants.O_RDONLY | constants.O_DIRECTORY);
}

async function sync(path: string, flags: number): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the files of a tree durable, and the names of its entries. */
export async function syncTree(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) await syncTree(child);
    else if (entry.isFile()) await sync(child, constants.O_RDONLY);
  }
  await syncDirectory(path);
}

/** A short file as text; null when it does not exist. */
export function readTextSync(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** A file parsed as JSON; null when it does not exist or is not JSON. The caller checks its shape. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Identifies a file, to detect a later one of the same name. */
export interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

/** Null when there is no file of that name. */
export function readFileIdentity(path: string): FileIdentity | null {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? null : { dev: stat.dev, ino: stat.ino };
}

export function isSameFile(a: FileIdentity | null, b: FileIdentity | null): boolean {
  return a !== null && b !== null && a.dev === b.dev && a.ino === b.ino;
}

/** When a file or directory was made, in UTC; when it was last changed on a file system that does not record that. */
export async function readMakingTime(path: string): Promise<string> {
  const { birthtimeMs, mtimeMs } = await lstat(path);
  return new Date(birthtimeMs > 0 ? birthtimeMs : mtimeMs).toISOString();
}

/** True when this process may read and write it. */
export async function isAccessible(path: string): Promise<boolean> {
  return access(path, constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}
