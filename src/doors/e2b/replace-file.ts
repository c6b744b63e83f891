import { randomBytes } from "node:crypto";

import { removeFileSync, renameSync } from "../../host/files.js";
import { NewFile } from "../../host/new-file.js";

/** Replaces a file whole, in the order of the calls. It need not survive a power loss, which no sandbox does. */
export function replaceFile(path: string, content: string): void {
  const draft = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    const file = new NewFile(draft);
    try {
      file.write(Buffer.from(content));
    } finally {
      file.close();
    }
    renameSync(draft, path);
  } catch (error) {
    removeFileSync(draft);
    throw error;
  }
}
