import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path";

import { lookAtName, open, rename, rm } from "../../host/files.js";
import { explainOutput, unusableOutput } from "./unusable.js";

/** Writes a stream into a file, which gets its name when it is complete. */
export async function writeArchiveFile(path: string, stream: AsyncIterable<Uint8Array>): Promise<void> {
  if (lookAtName(path)?.isDirectory()) throw unusableOutput(path, "EEXIST");
  const temporary = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx", 0o666);
    try {
      for await (const bytes of stream) await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw explainOutput(path, error);
  }
}
