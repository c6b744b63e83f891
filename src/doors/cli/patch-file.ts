import { isUtf8 } from "node:buffer";

import { openUserFile } from "../../client/user-file.js";
import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";

/** The bytes of a patch in a file that a flag names, or of standard input. Throws INVALID_ARGUMENT when it is too long. */
export async function readPatchBytes(flag: string, path: string | undefined): Promise<Buffer> {
  const source: AsyncIterable<Uint8Array | string> =
    path === undefined ? process.stdin : await openUserFile(flag, path);
  const pieces: Buffer[] = [];
  let left: number = limits.patchBytes;
  for await (const piece of source) {
    left -= piece.length;
    if (left < 0) throw tooLong();
    pieces.push(Buffer.from(piece as Uint8Array));
  }
  return Buffer.concat(pieces);
}

/** Reads a patch that must be UTF-8. */
export async function readPatchText(flag: string, path: string): Promise<string> {
  const bytes = await readPatchBytes(flag, path);
  if (isUtf8(bytes)) return bytes.toString("utf8");
  throw new PyroError("INVALID_ARGUMENT", `The patch ${path} is not UTF-8.`, {
    hint: "Apply it with `pyro task patch` in a variant's own fork.",
    details: { path },
  });
}

function tooLong(): PyroError {
  return new PyroError("INVALID_ARGUMENT", `The patch has more than ${limits.patchBytes} bytes.`, {
    hint: "Apply it in parts, or push the files.",
    details: { limit: limits.patchBytes },
  });
}
