import { randomBytes } from "node:crypto";

import { renameSync } from "../../host/files.js";
import { NewFile } from "../../host/new-file.js";

/** Replaces a file whole, in the order of the calls. It need not survive a power loss, which no sandbox does. */
export function replaceFile(path: string, content: string): void {
  const draft = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = new NewFile(draft);
  file.write(Buffer.from(content));
  file.close();
  renameSync(draft, path);
}
