import { PyroError } from "../../contract/errors.js";
import { errnoOf, explainErrno, explainFullDisk } from "../host-failure.js";

/** The error of an output that cannot be written. */
export function unusableOutput(path: string, errno: string, cause?: unknown): PyroError {
  return new PyroError("DESTINATION_UNUSABLE", `Cannot export to ${path}: ${explainErrno(errno)}.`, {
    hint: "Name a new file (--force replaces an archive), or a new or empty directory.",
    details: { path, errno },
    cause,
  });
}

/** Turns a failure of the host's file system into an error for the caller; returns any other error unchanged. */
export function explainOutput(path: string, error: unknown): unknown {
  const errno = errnoOf(error);
  return errno === null ? error : (explainFullDisk(error, path) ?? unusableOutput(path, errno, error));
}
