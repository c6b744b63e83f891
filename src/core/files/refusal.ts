import { PyroError, type ErrorCode } from "../../contract/errors.js";
import { AgentRefusal } from "../../guest/refusal.js";
import { olderAgent } from "../older-agent.js";

type Meanings = Readonly<Record<string, readonly [code: ErrorCode, what: string, hint?: string]>>;

/** The code and message for each errno of a guest's file system. */
const meanings: Meanings = {
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
  EACCES: ["FILE_REFUSED", "is not accessible to this user", "Choose another user; without one it is root."],
  EPERM: ["FILE_REFUSED", "may not be changed by this user", "Choose another user, or look at it with `lsattr`."],
  EROFS: ["FILE_REFUSED", "lies on a read-only file system"],
};

/** The meanings for operations on the whole workspace or a tree of it, such as a diff, a pull or an export. */
const meaningsOfTrees: Meanings = {
  ...meanings,
  ENOENT: ["NOT_FOUND", "does not exist in the task", "Look with `pyro task file list TASK`."],
  ENOTDIR: ["NOT_FOUND", "does not exist in the task", "Look with `pyro task file list TASK`."],
  ESTALE: [
    "WORKSPACE_CHANGED",
    "was changed by a process of the task while it was read",
    "Try again when no command of the task writes to it.",
  ],
};

/** Converts a refusal of the guest's agent to work on a file into an error for the caller. Returns any other error unchanged. */
export function explainFileRefusal(thrown: unknown, path: string, user?: string): unknown {
  if (thrown instanceof AgentRefusal && thrown.code === "NO_SUCH_USER") return noSuchUser(user ?? "", thrown);
  return explain(thrown, path, meanings);
}

/** The error of a refusal to read a tree; the refusal names the path itself. */
export function explainTreeRefusal(thrown: unknown): unknown {
  return explain(thrown, thrown instanceof AgentRefusal ? (thrown.path ?? "") : "", meaningsOfTrees);
}

function explain(thrown: unknown, path: string, known: Meanings): unknown {
  if (!(thrown instanceof AgentRefusal)) return thrown;
  const { code, errno } = thrown;
  const shown = JSON.stringify(path);
  if (code === "UNSUPPORTED") return olderAgent("work on files", thrown);
  if (code === "TOO_MANY_JOBS") {
    return new PyroError("RESOURCE_EXHAUSTED", "Too many files of this task are read and written at once.", {
      hint: "Repeat the call when others have ended.",
      cause: thrown,
    });
  }
  if (code !== "IO")
    return new PyroError("INTERNAL", `The guest could not work on ${shown}: ${code}.`, { cause: thrown });
  const [coded, what, hint] = known[errno ?? ""] ?? ["FILE_REFUSED", `is refused by the task's file system: ${errno}`];
  return new PyroError(coded, `${shown} ${what}.`, {
    ...(hint !== undefined && { hint }),
    details: { path, ...(errno !== undefined && { errno }) },
    cause: thrown,
  });
}

/** The error for a user that the guest does not have. */
export function noSuchUser(user: string, cause: AgentRefusal): PyroError {
  return new PyroError("INVALID_ARGUMENT", `user: the task has no user or group ${JSON.stringify(user)}.`, {
    hint: "Give a name of the task's /etc/passwd, a number, or either with a group, such as www-data or 1000:1000.",
    details: { user },
    cause,
  });
}

/** The error for a user where the agent can act as root, or as itself, only. */
export function needsOtherAgent(user: string): PyroError {
  return new PyroError("FAILED_PRECONDITION", "The task's agent cannot act as another user.", {
    hint: "It runs without a VM, or an older pyro started it: leave out user, or create the task again.",
    details: { user },
  });
}
