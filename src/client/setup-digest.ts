import { createHash } from "node:crypto";

import { PyroError } from "../contract/errors.js";
import type { ArgumentsOf } from "../contract/operations.js";
import { sha256OfEntry } from "../host/digest.js";

/** The same input, with the digest of the key files of its setup. Throws SOURCE_NOT_FOUND or SOURCE_UNREADABLE. */
export async function withSetupDigest(input: ArgumentsOf<"task.create">): Promise<ArgumentsOf<"task.create">> {
  const { setup, setup_key: files = [] } = input;
  if (files.length === 0) return input;
  if (setup === undefined) {
    throw new PyroError("INVALID_ARGUMENT", "`setup_key` needs a `setup`.", { hint: "Add --setup COMMAND." });
  }
  const digests = await Promise.all(files.map(digestOf));
  return { ...input, setup_digest: createHash("sha256").update(digests.join("\n")).digest("hex") };
}

async function digestOf(path: string): Promise<string> {
  const digest = await sha256OfEntry(path).catch((error: NodeJS.ErrnoException) => {
    const isMissing = error.code === "ENOENT" || error.code === "ENOTDIR";
    throw unusable(isMissing ? "SOURCE_NOT_FOUND" : "SOURCE_UNREADABLE", path, error);
  });
  if (digest === null) throw unusable("SOURCE_UNREADABLE", path);
  return digest;
}

function unusable(code: "SOURCE_NOT_FOUND" | "SOURCE_UNREADABLE", path: string, cause?: unknown): PyroError {
  const what = code === "SOURCE_NOT_FOUND" ? "does not exist" : "is not a file that can be read";
  return new PyroError(code, `The key file ${path} ${what}.`, {
    hint: "Name regular files, relative to the working directory.",
    details: { path },
    cause,
  });
}
