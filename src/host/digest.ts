import { createHash } from "node:crypto";
import { closeSync, constants, createReadStream, fstatSync, openSync, readSync } from "node:fs";

import { nextTurn } from "./next-turn.js";

/** In hex. */
export async function sha256OfFile(path: string, signal?: AbortSignal): Promise<string> {
  return (await digestOfFile("sha256", path, signal)).toString("hex");
}

/** Bytes that are hashed in one turn of the process. */
const HASHED_BYTES = 1_048_576;

/**
 * The same for one of many files. Links are not followed. Of a file that grows meanwhile only its first length is read. Null for
 * anything but a regular file.
 */
export async function sha256OfEntry(path: string): Promise<string | null> {
  const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) return null;
    const hash = createHash("sha256");
    const bytes = Buffer.allocUnsafe(Math.min(stat.size, HASHED_BYTES));
    for (let left = stat.size; left > 0;) {
      const bytesRead = readSync(file, bytes, 0, Math.min(left, bytes.length), null);
      if (bytesRead === 0) break;
      hash.update(bytes.subarray(0, bytesRead));
      left -= bytesRead;
      if (left > 0) await nextTurn();
    }
    return hash.digest("hex");
  } finally {
    closeSync(file);
  }
}

/** In base64, as lock files of npm have it. */
export async function sha512OfFile(path: string, signal?: AbortSignal): Promise<string> {
  return (await digestOfFile("sha512", path, signal)).toString("base64");
}

async function digestOfFile(algorithm: string, path: string, signal: AbortSignal | undefined): Promise<Buffer> {
  const hash = createHash(algorithm);
  const stream = createReadStream(path, { highWaterMark: 1 << 20, ...(signal ? { signal } : {}) });
  for await (const chunk of stream) hash.update(chunk as Buffer);
  return hash.digest();
}
