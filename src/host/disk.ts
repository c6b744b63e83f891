import { lstat, readdir, statfs } from "node:fs/promises";
import { join } from "node:path";

import { PyroError } from "../contract/errors.js";

/** Bytes that a tree takes on disk; counts only the allocated blocks of sparse files. Skips entries that vanish while it counts. */
export async function diskUsageBytes(path: string): Promise<number> {
  const stat = await lstat(path).catch(() => null);
  if (stat === null) return 0;
  let bytes = stat.blocks * 512;
  if (stat.isDirectory()) {
    for (const name of await readdir(path).catch(() => [])) bytes += await diskUsageBytes(join(path, name));
  }
  return bytes;
}

/** Bytes an ordinary user may still write to the file system of a path. */
export async function freeBytes(path: string): Promise<number> {
  const stat = await statfs(path);
  return stat.bavail * stat.bsize;
}

const TMPFS_MAGIC = 0x0102_1994;

/** True for a path on tmpfs, whose files are memory. */
export async function isInMemory(path: string): Promise<boolean> {
  return (await statfs(path)).type === TMPFS_MAGIC;
}

/** Throws DISK_FULL, with the figures, when a file system has less room than the next step needs. */
export async function assertFreeSpace(path: string, neededMib: number, purpose: string): Promise<void> {
  const freeMib = Math.floor((await freeBytes(path)) / 1_048_576);
  if (freeMib >= neededMib) return;
  throw new PyroError(
    "DISK_FULL",
    `${purpose} needs ${neededMib} MiB of disk, and ${freeMib} MiB are free at ${path}.`,
    {
      details: { path, free_mib: freeMib, needed_mib: neededMib },
    },
  );
}
