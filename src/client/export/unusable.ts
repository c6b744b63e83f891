import { PyroError } from "../../contract/errors.js";

const WHY: Readonly<Record<string, string>> = {
  EEXIST: "it exists",
  ENOTEMPTY: "the directory is not empty",
  ENOENT: "its directory does not exist",
  ENOTDIR: "it, or a parent of it, is not a directory",
};

/** The error of an output that cannot be written. */
export function unusableOutput(path: string, errno: string, cause?: unknown): PyroError {
  return new PyroError("DESTINATION_UNUSABLE", `Cannot export to ${path}: ${WHY[errno] ?? errno}.`, {
    hint: "Name a new file (--force replaces an archive), or a new or empty directory.",
    details: { path, errno },
    cause,
  });
}

/** The same for a failure of the host's file system; any other error as it is. */
export function explainOutput(path: string, error: unknown): unknown {
  if (error instanceof PyroError) return error;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === undefined || syscall === undefined ? error : unusableOutput(path, code, error);
}
