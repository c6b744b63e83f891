import { PyroError } from "../../contract/errors.js";
import { errnoOf, explainErrno, explainFullDisk } from "../host-failure.js";

/** The error behind a refusal of the host's file system to read or write a path; any other error as it is. */
export function explainDestination(error: unknown, path: string): unknown {
  const errno = errnoOf(error);
  if (errno === null) return error;
  const full = explainFullDisk(error, path);
  if (full !== null) return full;
  return new PyroError("DESTINATION_UNUSABLE", `Cannot use ${path}: ${explainErrno(errno)}.`, {
    details: { path, errno },
    cause: error,
  });
}
