import { PyroError } from "../../contract/errors.js";
import { errnoOf, explainErrno, explainFullDisk } from "../host-failure.js";

/** The coded error for a refusal of the host's file system to read or write a path; any other error unchanged. */
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
