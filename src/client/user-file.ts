import { dirname } from "node:path";

import { PyroError } from "../contract/errors.js";
import {
  chown,
  copyFile,
  existsSync,
  mkdir,
  open,
  readFile,
  realpath,
  stat,
  writeFileAtomic,
  type FileHandle,
} from "../host/files.js";
import { findProgram } from "../host/find-program.js";

/** A text file of the user, or null when it does not exist. Throws FAILED_PRECONDITION when it cannot be read. */
export async function readUserFile(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw unusable(path, "read", error);
  }
}

/**
 * Replaces a file of the user, and keeps its permissions; a link is followed. The previous file is kept beside it; returns
 * that backup's path, null when there was nothing.
 */
export async function replaceUserFile(path: string, text: string): Promise<string | null> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const target = await realpath(path).catch(() => path);
    const before = await stat(target).catch(() => null);
    const backup = before && nameBackup(target);
    if (backup) await copyFile(target, backup);
    await writeFileAtomic(target, text, before ? before.mode & 0o777 : 0o600);
    // If root writes another user's file, the owner stays the same.
    if (before) await chown(target, before.uid, before.gid).catch(() => {});
    return backup;
  } catch (error) {
    throw unusable(path, "written", error);
  }
}

/** An earlier backup stays: it may be the only one from before pyro. */
function nameBackup(path: string): string {
  for (let number = 1; ; number += 1) {
    const name = `${path}.before-pyro${number === 1 ? "" : `-${number}`}`;
    if (!existsSync(name)) return name;
  }
}

/** True when a shell finds this very program under that name. */
export async function isOnPath(name: string, program: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const found = await findProgram(name, env);
  return found !== null && (await realpath(found).catch(() => "")) === (await realpath(program).catch(() => program));
}

function unusable(path: string, what: string, error: unknown): PyroError {
  const { code } = error as NodeJS.ErrnoException;
  return new PyroError("FAILED_PRECONDITION", `${path} cannot be ${what}: ${code ?? String(error)}.`, {
    hint: "Look at the file and its permissions; nothing was changed.",
    details: { path },
    cause: error,
  });
}

/** Opens a file that the user named, to be read as a stream. Throws INVALID_ARGUMENT. */
export async function openUserFile(what: string, path: string): Promise<AsyncIterable<Uint8Array>> {
  const file = await openNamed(what, path, "r");
  return file.createReadStream() as AsyncIterable<Uint8Array>;
}

/** Writes a file that the user named. It is opened with the first piece, so content that fails leaves the file unchanged. Throws INVALID_ARGUMENT. */
export async function fillUserFile(what: string, path: string, content: AsyncGenerator<Uint8Array>): Promise<void> {
  const first = await content.next();
  const file = await openNamed(what, path, "w");
  try {
    if (!first.done) await file.writeFile(first.value);
    for await (const piece of content) await file.writeFile(piece);
  } finally {
    await file.close();
  }
}

async function openNamed(what: string, path: string, flags: "r" | "w"): Promise<FileHandle> {
  try {
    const file = await open(path, flags);
    if (!(await file.stat()).isDirectory()) return file;
    await file.close();
    throw Object.assign(new Error("it is a directory"), { code: "EISDIR" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new PyroError("INVALID_ARGUMENT", `${what}: ${path} cannot be opened: ${code}.`, {
      hint: "Name a file of this machine.",
      details: { path, errno: code },
    });
  }
}
