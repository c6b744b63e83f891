/** Who can fix an error: the caller, the host's user, or pyro itself. */
export type Fault = "caller" | "host" | "pyro";

interface ErrorKind {
  readonly fault: Fault;
  /** True when the same call may succeed later, without a change by the caller. */
  readonly retryable: boolean;
  readonly exitStatus: 2 | 124 | 125 | 130;
  /** The HTTP status of the daemon's answer. */
  readonly httpStatus: number;
  /** The next step, used when the error gives no more specific hint. */
  readonly hint: string;
}

/** Every error code. Codes are stable; messages and hints may change. */
export const errorKinds = {
  INVALID_ARGUMENT: kind("caller", false, 2, 400, "See `pyro help` for what is accepted."),
  ENVIRONMENT_UNKNOWN: kind("caller", false, 2, 404, "List the known environments with `pyro env list`."),
  ENVIRONMENT_BUILD_FAILED: kind("host", true, 125, 500, "Check the package mirror and try `pyro env pull` again."),
  ENVIRONMENT_BUILDING: kind("host", true, 125, 503, "Retry in half a minute: the build continues."),
  REGISTRY_UNREACHABLE: kind(
    "host",
    true,
    125,
    502,
    "Check the registry's name and this host's network, then pull again.",
  ),
  REGISTRY_DENIED: kind(
    "caller",
    false,
    125,
    403,
    "Check the image's name; log in with `docker login REGISTRY` if it is private.",
  ),
  REGISTRY_RATE_LIMITED: kind(
    "host",
    true,
    125,
    429,
    "Wait, or log in with `docker login REGISTRY` for a higher limit.",
  ),
  ENVIRONMENT_CORRUPT: kind("host", false, 125, 500, "Pull the environment again to repair it."),
  TOOLCHAIN_INSTALL_FAILED: kind(
    "host",
    true,
    125,
    500,
    "Check the package mirror and try again; the toolchain in use stays.",
  ),
  NOT_FOUND: kind("caller", false, 125, 404, "Check the id."),
  ALREADY_EXISTS: kind("caller", false, 125, 409, "Choose another name, or delete the owner of this one."),
  FAILED_PRECONDITION: kind("caller", false, 125, 409, "Check the state that the message names."),
  RESOURCE_EXHAUSTED: kind("host", true, 125, 503, "Free some of the named resource, or request less."),
  DISK_FULL: kind("host", true, 125, 507, "Free disk space, for example with `pyro env prune`."),
  HOST_NOT_ABLE: kind("host", false, 125, 503, "Run `pyro doctor` to see what is missing."),
  HOME_UNUSABLE: kind("host", false, 125, 503, "Set PYRO_HOME to a directory of your own."),
  VM_START_FAILED: kind("host", true, 125, 500, "Run `pyro doctor`, and check the daemon's log."),
  VM_DIED: kind("host", true, 125, 500, "Check the daemon's log, then try again."),
  COMMAND_FAILED: kind("caller", false, 125, 500, "Check the output in the error's result."),
  SERVICE_NOT_READY: kind(
    "caller",
    false,
    125,
    422,
    "Read its output with `pyro task service logs`, then correct its command or its condition.",
  ),
  AGENT_PROTOCOL: kind("pyro", false, 125, 500, "The guest sent an invalid message. Do not trust its output."),
  DAEMON_UNREACHABLE: kind("host", true, 125, 503, "Check the daemon's log, then try again."),
  DAEMON_VERSION: kind(
    "host",
    true,
    125,
    409,
    "Run `pyro daemon stop`: tasks keep running, and the next command starts the new daemon.",
  ),
  REMOTE_DENIED: kind("caller", false, 125, 403, "Try `ssh HOST true`: pyro uses the same keys and known hosts."),
  ARCHIVE_PATH_ABSOLUTE: kind(
    "caller",
    false,
    125,
    422,
    "Store names relative to the root of the archive, as `tar -C DIR -c .` does.",
  ),
  ARCHIVE_PATH_ESCAPES: kind("caller", false, 125, 422, "Keep every name inside the root of the archive."),
  ARCHIVE_PATH_THROUGH_LINK: kind(
    "caller",
    false,
    125,
    422,
    "Store the entry under its real directory, not under a link.",
  ),
  ARCHIVE_LINK_ESCAPES: kind(
    "caller",
    false,
    125,
    422,
    "Let the link point inside the tree with a relative target, or leave it out with `--exclude`.",
  ),
  ARCHIVE_HARD_LINK: kind(
    "caller",
    false,
    125,
    422,
    "A hard link must name a regular file that comes earlier in the same archive.",
  ),
  ARCHIVE_SPECIAL_FILE: kind(
    "caller",
    false,
    125,
    422,
    "Leave devices, FIFOs and sockets out, for example with `--exclude`.",
  ),
  ARCHIVE_TYPE_CONFLICT: kind(
    "caller",
    false,
    125,
    422,
    "Use each name for one type only: a file, a directory or a link.",
  ),
  ARCHIVE_NAME_INVALID: kind(
    "caller",
    false,
    125,
    422,
    "Names must be UTF-8 without NUL bytes; rename the entry, or leave it out with `--exclude`.",
  ),
  ARCHIVE_PATH_TOO_LONG: kind("caller", false, 125, 422, "Shorten the path: 4,096 bytes in all, 255 for each part."),
  ARCHIVE_TOO_MANY_ENTRIES: kind("caller", false, 125, 422, "Send less, for example with `--exclude`."),
  ARCHIVE_CORRUPT: kind("caller", false, 125, 422, "Make the archive again; it must be a whole .tar, .tar.gz or .tgz."),
  WORKSPACE_FULL: kind(
    "caller",
    false,
    125,
    507,
    "Send less, free space in the workspace, or create a task with more disk.",
  ),
  WORKSPACE_CONFLICT: kind(
    "caller",
    false,
    125,
    409,
    "Remove the conflicting entry from the workspace, or push to another directory.",
  ),
  WORKSPACE_LINK: kind(
    "caller",
    false,
    125,
    409,
    "Nothing is written through links: remove the link, or push to where it points.",
  ),
  WORKSPACE_CHANGED: kind("caller", true, 125, 409, "Push again when no command of the task writes to the entry."),
  WORKSPACE_TORN: kind("caller", true, 125, 409, "Stop the commands that write to the workspace, then push again."),
  FILE_NOT_FOUND: kind("caller", false, 125, 404, "List the directory with `pyro task file list`."),
  FILE_EXISTS: kind("caller", false, 125, 409, "Choose another path, or remove what is there."),
  FILE_WRONG_TYPE: kind("caller", false, 125, 409, "Look at the entry with `pyro task file list`."),
  FILE_NOT_EMPTY: kind("caller", false, 125, 409, "Remove the directory with all its entries: `--recursive`."),
  FILE_NOT_TEXT: kind(
    "caller",
    false,
    125,
    422,
    "Read its bytes in base64, or look at it with a command such as file or xxd.",
  ),
  FILE_TOO_LARGE: kind("caller", false, 125, 422, "Ask for a part of it, or work on it with a command."),
  FILE_PATH_INVALID: kind(
    "caller",
    false,
    125,
    422,
    "A path has at most 4,095 bytes, 255 for each part, no NUL, and no loop of symlinks.",
  ),
  FILE_EDIT_MISMATCH: kind(
    "caller",
    false,
    125,
    409,
    "Read the file again, and give more of the lines around the text; set all to replace every occurrence.",
  ),
  FILE_CHANGED: kind("caller", true, 125, 409, "Read the file again, then repeat the change."),
  FILE_REFUSED: kind("caller", false, 125, 409, "Look at what is mounted there, or use a command such as mv."),
  SOURCE_NOT_FOUND: kind(
    "caller",
    false,
    125,
    422,
    "Check the path; it must exist on the machine that runs the client.",
  ),
  SOURCE_UNREADABLE: kind(
    "caller",
    false,
    125,
    422,
    "Make the named entries readable, or leave them out with `--exclude`.",
  ),
  SOURCE_CHANGED: kind("caller", true, 125, 409, "Try again when no process writes to the source."),
  SOURCE_UNSUPPORTED: kind(
    "caller",
    false,
    125,
    422,
    "Name a directory, a file, or an archive (.tar, .tar.gz, .tgz). To push an archive as a file, push its directory.",
  ),
  DESTINATION_UNUSABLE: kind("caller", false, 125, 422, "Use a directory that you may write to."),
  DESTINATION_CHANGED: kind("caller", true, 125, 409, "Pull again: nothing was written."),
  ABORTED: kind("caller", true, 130, 499, "Repeat the call if its result is still needed."),
  INTERNAL: kind("pyro", false, 125, 500, "This is a bug in pyro; details are in the daemon's log."),
} as const satisfies Record<string, ErrorKind>;

/** The stable name of a kind of error. */
export type ErrorCode = keyof typeof errorKinds;

/** The error of a failed call, on the wire and with `--json`. */
export interface ErrorBody {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The only error class: a code, the facts and the next step. */
export class PyroError extends Error {
  override readonly name = "PyroError";
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { hint?: string; details?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? errorKinds[code].hint;
    this.details = options.details ?? {};
  }

  toBody(): ErrorBody {
    return { code: this.code, message: this.message, hint: this.hint, details: this.details };
  }

  static fromBody(body: ErrorBody): PyroError {
    const code = Object.hasOwn(errorKinds, body.code) ? body.code : "INTERNAL";
    return new PyroError(code, body.message, { hint: body.hint, details: { ...body.details } });
  }

  /** Converts anything thrown to a coded error; unexpected values become INTERNAL. */
  static from(error: unknown): PyroError {
    if (error instanceof PyroError) return error;
    if (isDiskFull(error)) return new PyroError("DISK_FULL", "The disk is full.", { cause: error });
    const message = error instanceof Error ? error.message : String(error);
    return new PyroError("INTERNAL", message, { cause: error });
  }
}

function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ENOSPC" || error.code === "EDQUOT";
}

function kind(
  fault: Fault,
  retryable: boolean,
  exitStatus: ErrorKind["exitStatus"],
  httpStatus: number,
  hint: string,
): ErrorKind {
  return { fault, retryable, exitStatus, httpStatus, hint };
}

/** An error's message as a part of a sentence: without its full stop. */
export function reasonOf(error: unknown): string {
  return PyroError.from(error).message.replace(/\.$/, "");
}
