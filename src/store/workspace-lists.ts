import { join } from "node:path";

import { copyFile, mkdir, readdir, rm } from "../host/files.js";

const BASE = "base";
const PUSHED = "pushed";
/** The index comes first: its bytes are in `content` by then. If `content` is rewritten meanwhile, the digests show it. */
const CONTENT = ["content.index", "content"];

/**
 * Copies a task's lists of its workspace: those of the base and of pushes, without the content of files. Lists at the destination are
 * replaced.
 */
export async function copyWorkspaceLists(from: string, to: string): Promise<void> {
  for (const directory of [BASE, PUSHED]) {
    const wanted = await listsIn(join(from, directory));
    for (const old of await listsIn(join(to, directory))) {
      if (!wanted.includes(old)) await rm(join(to, directory, old), { force: true });
    }
    if (wanted.length > 0) await mkdir(join(to, directory), { recursive: true, mode: 0o700 });
    for (const name of wanted) await copyFile(join(from, directory, name), join(to, directory, name));
  }
}

/** Copies the content that bases of a task name, for another task. */
export async function copyBaseContent(from: string, to: string): Promise<void> {
  const names = await namesIn(join(from, BASE));
  if (!CONTENT.every((name) => names.includes(name))) return;
  await mkdir(join(to, BASE), { recursive: true, mode: 0o700 });
  for (const name of CONTENT) await copyFile(join(from, BASE, name), join(to, BASE, name));
}

async function listsIn(directory: string): Promise<string[]> {
  return (await namesIn(directory)).filter((name) => name.endsWith(".gz"));
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
