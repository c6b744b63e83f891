import { join } from "node:path";

import type { ArchiveEntry } from "../../archive/entry.js";
import { readArchive } from "../../archive/read.js";
import { chmod, mkdir, readdir, realpath, rm, rmdir, symlink, utimes } from "../../host/files.js";
import { NewFile } from "../../host/new-file.js";
import { nextTurn } from "../../host/next-turn.js";
import { hasRealParents } from "../pull/real-parents.js";
import { explainOutput, unusableOutput } from "./unusable.js";

/** Bytes that are written before other work of the process gets a turn: the zeros of a hole arrive without any wait. */
const TURN_BYTES = 8_388_608;

/**
 * Unpacks an archive into a new or empty directory. Nothing is written outside of it, and no link is followed. When it fails, the
 * directory is unchanged; a killed process leaves a part.
 */
export async function unpackInto(directory: string, archive: AsyncIterable<Uint8Array>): Promise<void> {
  let isNew = false;
  let root = directory;
  try {
    isNew = (await mkdir(directory, { recursive: true })) !== undefined;
    root = await realpath(directory);
    if ((await readdir(root)).length > 0) throw unusableOutput(directory, "ENOTEMPTY");
  } catch (error) {
    throw explainOutput(directory, error);
  }
  try {
    const unpacker = new Unpacker(root);
    for await (const entry of readArchive(archive, { linksMayLeave: true })) await unpacker.add(entry);
    await unpacker.finish();
  } catch (error) {
    for (const name of await readdir(root)) await rm(join(root, name), { recursive: true, force: true });
    if (isNew) await rmdir(root);
    throw explainOutput(directory, error);
  }
}

class Unpacker {
  readonly #root: string;
  /** Directories get modes and times at the end: a read-only one would accept no files. */
  readonly #directories: ArchiveEntry[] = [];

  constructor(root: string) {
    this.#root = root;
  }

  async add(entry: ArchiveEntry): Promise<void> {
    const path = join(this.#root, entry.path);
    if (!hasRealParents(this.#root, entry.path)) throw unusableOutput(path, "ENOTDIR");
    if (entry.type === "directory") {
      await mkdir(path, { mode: 0o700 });
      this.#directories.push(entry);
    } else if (entry.type === "symlink") await symlink(entry.target ?? "", path);
    else await writeEntry(path, entry);
  }

  async finish(): Promise<void> {
    for (const { path, mode, mtimeS } of this.#directories.toReversed()) {
      await chmod(join(this.#root, path), mode);
      await utimes(join(this.#root, path), mtimeS, mtimeS);
    }
  }
}

async function writeEntry(path: string, { mode, mtimeS, content }: ArchiveEntry): Promise<void> {
  const file = new NewFile(path);
  let sinceTurn = 0;
  try {
    for await (const bytes of content) {
      file.write(bytes);
      sinceTurn += bytes.length;
      if (sinceTurn < TURN_BYTES) continue;
      await nextTurn();
      sinceTurn = 0;
    }
    file.finish(mode);
    file.utimes(mtimeS, mtimeS);
  } finally {
    file.close();
  }
}
