/** Which pyro to talk to. */
export interface PyroOptions {
  /** The home whose daemon is asked; by default `PYRO_HOME`, or `~/.pyro`. A relative path is one of the working directory. */
  readonly home?: string | undefined;
}

/** One report of how far a long call is. */
export interface ProgressEvent {
  /** What it does now, as a stable word. */
  readonly phase: string;
  /** The same for people. */
  readonly message: string;
  /** From 0 to 1, where it is known. */
  readonly fraction?: number;
}

/** What calls that take long accept. */
export interface CallOptions {
  /**
   * Cancels. The call rejects with `ABORTED`, unless its command had begun: that gets INT, everything of it is killed 5 s later, and
   * the result says `aborted`. `Execution.cancel()` after that kills at once.
   */
  readonly signal?: AbortSignal | undefined;
  /** Called for each report; the next one waits for what it returns. */
  readonly onProgress?: ((event: ProgressEvent) => void | Promise<void>) | undefined;
}

/** A command: one line for the guest's `/bin/sh -c`, or a program and its arguments, which are then quoted for it. */
export type Command = string | readonly string[];

/** Standard input: a text, bytes, or any stream of either. It is read only as fast as the command takes it. */
export type StdinSource = string | Uint8Array | AsyncIterable<string | Uint8Array>;

/** Output of a command as it comes. */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
  /** The same as UTF-8; a character that comes in two pieces is in the text of the second one. */
  readonly text: string;
  /** Bytes before this chunk that are kept no longer, since this caller was away for too long. Almost always 0. */
  readonly omittedBytes: number;
}

/** What every call that runs a command accepts. */
export interface CommandOptions extends CallOptions {
  /**
   * Seconds until the command and all it has started are killed, 1 to 86400. Without it: none for a command in the background, else
   * the task's own, else `PYRO_TIMEOUT_SECONDS`, else 30.
   */
  readonly timeoutSeconds?: number | undefined;
  /** Reject with `CommandFailedError` when the command does not end with exit code 0. Default false: that is a result. */
  readonly check?: boolean | undefined;
  /** Default: none, so that the command reads the end of its input at once. */
  readonly stdin?: StdinSource | undefined;
  /** Called with each piece of standard output; the next one, and the command in the end, waits for what it returns. */
  readonly onStdout?: ((chunk: OutputChunk) => void | Promise<void>) | undefined;
  /** The same for standard error. */
  readonly onStderr?: ((chunk: OutputChunk) => void | Promise<void>) | undefined;
}

/** Where and how a command runs. */
export interface ExecOptions extends CommandOptions {
  /** Directory in which it runs. Default `/workspace`. */
  readonly cwd?: string | undefined;
  /** Further environment variables. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** The network of a VM; without `network` it has no interface at all. */
export interface NetworkOptions {
  /** A network on which this host and private addresses stay closed. Default false. */
  readonly network?: boolean | undefined;
  /** Closed ranges to open: `CIDR`, `CIDR:PORT`, `[CIDR]:PORT`. */
  readonly networkAllow?: readonly string[] | undefined;
  /** Only these names, over HTTP and TLS; or `*.NAME`. */
  readonly networkAllowHost?: readonly string[] | undefined;
  /** Passes this process's proxy settings and the apt mirror on, and opens them. Default false. */
  readonly networkHostProxy?: boolean | undefined;
  /** Makes the VM trust the host's additional certificate authorities, as `networkHostProxy` does too. Default false. */
  readonly networkHostCa?: boolean | undefined;
}

/** The shape and lifetime of a VM. */
export interface VmOptions extends NetworkOptions {
  /** Virtual CPUs, 1 to 16. Default 1. */
  readonly vcpuCount?: number | undefined;
  /** Memory in MiB, 256 to 65536. Default 1024. */
  readonly memMib?: number | undefined;
  /** Seconds until the VM is removed, 1 to 2592000. Default 600. */
  readonly ttlSeconds?: number | undefined;
  /** Permits a sandboxed host process where no VM can run. Default false. */
  readonly allowHostCompat?: boolean | undefined;
}

/** What `runInVm` takes. */
export interface RunOptions extends VmOptions, ExecOptions, SourceFilter {
  readonly command: Command;
  /** Directory, .tar, .tar.gz or .tgz on this machine that the workspace begins with. Default: it begins empty. */
  readonly sourcePath?: string | undefined;
}

/** What `execVm` takes. */
export interface ExecCommandOptions extends ExecOptions {
  readonly command: Command;
}

/** Where and how a command runs in a task. */
export interface TaskExecOptions extends ExecOptions {
  /** Answer as soon as it runs; it goes on without standard input. Default false. */
  readonly background?: boolean | undefined;
}

/** What `execTask` takes. */
export interface ExecTaskOptions extends TaskExecOptions {
  readonly command: Command;
}

/** Which output of a command is wanted. */
export interface OutputOptions {
  /** First byte of standard output wanted. Default 0. */
  readonly stdoutOffset?: number | undefined;
  /** First byte of standard error wanted. Default 0. */
  readonly stderrOffset?: number | undefined;
  /** Most bytes in the answer, both streams together, 1 to 1048576. Default 32768. */
  readonly maxBytes?: number | undefined;
  /** Seconds to wait when there is nothing new. Default 0. */
  readonly waitSeconds?: number | undefined;
  /** What to wait for: output, or the command's end (or a full answer). Default `output`. */
  readonly waitFor?: "output" | "end" | undefined;
}

/** The signals that can be sent. */
export type SignalName =
  "TERM" | "INT" | "KILL" | "HUP" | "QUIT" | "USR1" | "USR2" | "STOP" | "CONT" | "ABRT" | "ALRM" | "WINCH";

/** What `signalTask` takes. */
export interface SignalOptions {
  /** Default `TERM`. */
  readonly signal?: SignalName | undefined;
}

/** What of a source is taken. */
export interface SourceFilter {
  /** What to leave out, as patterns of .gitignore; what was left out is counted. */
  readonly exclude?: readonly string[] | undefined;
  /** What to take although a pattern of `exclude` names it. */
  readonly include?: readonly string[] | undefined;
  /**
   * What becomes of symbolic links that lead out of a source directory: sent as links, left out, replaced by what they point to, or
   * the whole source is refused. Default `keep`; an archive has only `refuse`.
   */
  readonly links?: "keep" | "skip" | "follow" | "refuse" | undefined;
}

/** What `createTask` takes. */
export interface CreateTaskOptions extends Omit<VmOptions, "ttlSeconds">, SourceFilter, CallOptions {
  /** Name of the task, to be used in the place of its id. Rejects with `ALREADY_EXISTS` when another task has it. */
  readonly name?: string | undefined;
  /** Labels by which `listTasks` finds the task. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Environment of all commands of the task; a command's own `env` wins. The values are shown nowhere. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Directory, file, .tar, .tar.gz or .tgz on this machine that the workspace begins with. Default: it begins empty. */
  readonly sourcePath?: string | undefined;
  /** Most that the task may write, in MiB, 256 to 1048576. Default 10240. */
  readonly diskMib?: number | undefined;
  /** Seconds without use until the task is removed, 0 for never. Default 86400. */
  readonly ttlSeconds?: number | undefined;
  /** Seconds until a command is killed, 1 to 86400, for commands without a time-out of their own. Default: none. */
  readonly timeoutSeconds?: number | undefined;
}

/** What `listTasks` takes. */
export interface ListTasksOptions {
  /** Only tasks with each of these labels: `KEY`, or `KEY=VALUE`. */
  readonly labels?: readonly string[] | undefined;
}

/** What `pushTaskSync` takes. */
export interface PushOptions extends SourceFilter, CallOptions {
  /** Directory beneath `/workspace`. Default `/workspace`. */
  readonly dest?: string | undefined;
  /** Delete what earlier pushes of this source brought to `dest` and the source no longer has. Default false. */
  readonly delete?: boolean | undefined;
  /** Check the source and list what would be written; change nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** What `pruneEnvironments` takes. */
export interface PruneOptions {
  /** List what would be removed; change nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** What `pullEnvironment` takes. */
export interface PullOptions extends CallOptions {
  /** Build it again, to take in newer packages. Default false. */
  readonly rebuild?: boolean | undefined;
}
