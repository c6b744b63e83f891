import { PyroError } from "../contract/errors.js";

const FULL: readonly string[] = ["ENOSPC", "EDQUOT"];
const WHY: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EROFS: "the file system is read-only",
  ENAMETOOLONG: "the name is too long for the file system",
  EINVAL: "the file system refuses the name",
  ETXTBSY: "a program runs from it",
  EEXIST: "it exists",
  ENOTEMPTY: "the directory is not empty",
  ENOENT: "its directory does not exist",
  ENOTDIR: "it, or a parent of it, is not a directory",
  ENOSPC: "the disk is full",
  EDQUOT: "the quota is used up",
};

/** The reason why the host's file system refuses a path, in words, or else its errno. */
export function explainErrno(errno: string): string {
  return WHY[errno] ?? errno;
}

/** The errno of a call that the host's file system refused; null for any other error. */
export function errnoOf(error: unknown): string | null {
  if (error instanceof PyroError || !(error instanceof Error)) return null;
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === undefined || syscall === undefined ? null : code;
}

/** If the disk is full: DISK_FULL with the path that could not be written; null for any other error. */
export function explainFullDisk(error: unknown, path: string): PyroError | null {
  const errno = errnoOf(error);
  if (errno === null || !FULL.includes(errno)) return null;
  return new PyroError("DISK_FULL", `Cannot write ${path}: ${explainErrno(errno)}.`, {
    hint: "Free disk space there, then try again.",
    details: { path, errno },
    cause: error,
  });
}
