import { PyroError, type ErrorCode } from "../../contract/errors.js";
import { AgentRefusal } from "../../guest/channel.js";

/** The code and message for each errno of a guest's file system. */
const meanings: Readonly<Record<string, readonly [code: ErrorCode, what: string]>> = {
  ENOENT: ["FILE_NOT_FOUND", "does not exist in the task"],
  EEXIST: ["FILE_EXISTS", "exists already"],
  ENOTDIR: ["FILE_WRONG_TYPE", "leads through something that is not a directory"],
  EISDIR: ["FILE_WRONG_TYPE", "is a directory"],
  EOPNOTSUPP: ["FILE_WRONG_TYPE", "is a device, FIFO or socket, not a regular file"],
  ENOTEMPTY: ["FILE_NOT_EMPTY", "is a directory that is not empty"],
  ESTALE: ["FILE_CHANGED", "was changed by a process of the task meanwhile; nothing was written"],
  ELOOP: ["FILE_PATH_INVALID", "leads through too many symlinks"],
  ENAMETOOLONG: ["FILE_PATH_INVALID", "is too long, or its directories are nested too deep"],
  EINVAL: ["FILE_PATH_INVALID", "cannot be used here: it ends in `.` or `..`, or would move a directory into itself"],
  E2BIG: ["FILE_TOO_LARGE", "is a directory with too many entries to be listed"],
  ENOSPC: ["WORKSPACE_FULL", "cannot be written: its disk is full"],
  EDQUOT: ["WORKSPACE_FULL", "cannot be written: its quota is used up"],
  EXDEV: ["FILE_REFUSED", "cannot be moved to another file system"],
  EBUSY: ["FILE_REFUSED", "is mounted, or something in it is"],
  EROFS: ["FILE_REFUSED", "lies on a read-only file system"],
};

/** Converts a refusal of the guest's agent into an error for the caller. Returns any other error unchanged. */
export function explainFileRefusal(thrown: unknown, path: string): unknown {
  if (!(thrown instanceof AgentRefusal)) return thrown;
  const { code, errno } = thrown;
  const shown = JSON.stringify(path);
  if (code === "UNSUPPORTED") return tooOld(thrown);
  if (code === "TOO_MANY_JOBS") {
    return new PyroError("RESOURCE_EXHAUSTED", "Too many files of this task are read and written at once.", {
      hint: "Repeat the call when others have ended.",
      cause: thrown,
    });
  }
  const details = { path, ...(errno === undefined ? {} : { errno }) };
  const known = code === "IO" && errno !== undefined ? meanings[errno] : undefined;
  if (known) return new PyroError(known[0], `${shown} ${known[1]}.`, { details, cause: thrown });
  if (code === "IO")
    return new PyroError("FILE_REFUSED", `The task's file system refused ${shown}: ${errno}.`, {
      details,
      cause: thrown,
    });
  return new PyroError("INTERNAL", `The guest could not work on ${shown}: ${code}.`, { cause: thrown });
}

function tooOld(cause: AgentRefusal): PyroError {
  return new PyroError("FAILED_PRECONDITION", "An older pyro started the task; its agent cannot work on files.", {
    hint: "Create the task again.",
    cause,
  });
}
