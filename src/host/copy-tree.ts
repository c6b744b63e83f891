import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

import { copyShared } from "./files.js";

/** Copies a directory with its files and directories, into one that does not exist yet. */
export async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const copy = entry.isDirectory() ? copyTree : copyShared;
    await copy(join(from, entry.name), join(to, entry.name));
  }
}
