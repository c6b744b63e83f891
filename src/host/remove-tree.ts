import { randomBytes } from "node:crypto";

import { chmod, lstat, readdir, rename, rmdir, unlink } from "./files.js";

/**
 * Removes an unused directory with hostile content; does nothing when it is missing. Node's own `rm` fails,
 * or runs for hours, on a tree that is deeper than a path may be long. So deep directories are moved up first.
 */
export async function removeTree(path: string): Promise<void> {
  const root = Buffer.from(path);
  if (!(await isDirectory(root))) return;
  for (let names = await listClosed(root); names.length > 0; names = await readdir(root, { encoding: "buffer" })) {
    for (const name of names) await removeTop(root, inside(root, name));
  }
  await rmdir(root);
}

/** Removes an entry of the root; directories in it become entries of the root. */
async function removeTop(root: Buffer, path: Buffer): Promise<void> {
  if (!(await isDirectory(path))) return unlink(path);
  for (const name of await listClosed(path)) {
    const inner = inside(path, name);
    if (!(await isDirectory(inner))) {
      await unlink(inner);
      continue;
    }
    // To move a directory, one must be able to write into it.
    await chmod(inner, 0o700);
    await rename(inner, inside(root, Buffer.from(`gone-${randomBytes(8).toString("hex")}`)));
  }
  await rmdir(path);
}

/** The names in a directory that may be closed to its owner. */
async function listClosed(path: Buffer): Promise<Buffer[]> {
  await chmod(path, 0o700);
  return readdir(path, { encoding: "buffer" });
}

function inside(directory: Buffer, name: Buffer): Buffer {
  return Buffer.concat([directory, Buffer.from("/"), name]);
}

async function isDirectory(path: Buffer): Promise<boolean> {
  const entry = await lstat(path).catch(() => null);
  return entry !== null && entry.isDirectory();
}
