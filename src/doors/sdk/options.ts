// Rendered from src/contract/ by `npm run build`. Do not edit.
import type { CallOptions, Command, SessionOptions } from "./call-options.js";
import type { SignalName } from "./results.js";

/** What every call that runs a command accepts. */
export interface CommandOptions extends SessionOptions {
  /**
   * Seconds until the command and all it has started are killed. Without it: none for a command in the background, else
   * the task's own, else `PYRO_TIMEOUT_SECONDS`, else the default (1 to 86400, default 30).
   */
  readonly timeoutSeconds?: number | undefined;
}

/** Where and how a command runs. */
export interface ExecOptions extends CommandOptions {
  /** Directory in which it runs (default "/workspace"). */
  readonly cwd?: string | undefined;
  /** Further environment. */
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** Where and how a command runs in a task. */
export interface TaskExecOptions extends ExecOptions {
  /** Answer at once; the command goes on without standard input (default false). */
  readonly background?: boolean | undefined;
}

/** The network of a VM; without `network` it has no interface at all. */
export interface NetworkOptions {
  /** A network; this host and private addresses stay closed (default false). */
  readonly network?: boolean | undefined;
  /** Closed ranges to open: CIDR, CIDR:PORT, [CIDR]:PORT. */
  readonly networkAllow?: readonly string[] | undefined;
  /** Only these names, over HTTP and TLS; or *.NAME. */
  readonly networkAllowHost?: readonly string[] | undefined;
  /** Pass on proxies and apt mirror, and open them (default false). */
  readonly networkHostProxy?: boolean | undefined;
  /** Trust the host's additional certificate authorities; `networkHostProxy` does too (default false). */
  readonly networkHostCa?: boolean | undefined;
}

/** The shape and lifetime of a VM. */
export interface VmOptions extends NetworkOptions {
  /** Virtual CPUs (1 to 16, default 1). */
  readonly vcpuCount?: number | undefined;
  /** Memory of the VM in MiB (256 to 65536, default 1024). */
  readonly memMib?: number | undefined;
  /** Seconds until the VM is removed (1 to 2592000, default 600). */
  readonly ttlSeconds?: number | undefined;
  /** Run in a sandboxed host process when no VM can run (default false). */
  readonly allowHostCompat?: boolean | undefined;
}

/** What of a source is taken. */
export interface SourceFilter {
  /** What to leave out, as patterns of .gitignore; what was left out is counted. */
  readonly exclude?: readonly string[] | undefined;
  /** What to take although a pattern of exclude names it. */
  readonly include?: readonly string[] | undefined;
  /** Links out of a source directory: keep (default), skip, follow or refuse. Archives: refuse. */
  readonly links?: "keep" | "skip" | "follow" | "refuse" | undefined;
}

/** What `runInVm` takes. */
export interface RunOptions extends VmOptions, ExecOptions, SourceFilter {
  /** One line for the guest's /bin/sh -c, or a list of words, which are quoted for it. */
  readonly command: Command;
  /** Directory, file, .tar, .tar.gz or .tgz on the machine of the client, which packs it. */
  readonly sourcePath?: string | undefined;
}

/** What `execVm` takes. */
export interface ExecCommandOptions extends ExecOptions {
  /** One line for the guest's /bin/sh -c, or a list of words, which are quoted for it. */
  readonly command: Command;
}

/** What `createTask` takes. */
export interface CreateTaskOptions extends NetworkOptions, SourceFilter, CallOptions {
  /** Name of the task, to be used in the place of its id. */
  readonly name?: string | undefined;
  /** Labels by which tasks are found again. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Environment of all its commands; their values are shown nowhere. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Virtual CPUs (1 to 16, default 1). */
  readonly vcpuCount?: number | undefined;
  /** Memory of the VM in MiB (256 to 65536, default 1024). */
  readonly memMib?: number | undefined;
  /** Most that the VM may write, in MiB (256 to 1048576, default 10240). */
  readonly diskMib?: number | undefined;
  /** Seconds without use until the task is removed; 0 for never (0 to 2592000, default 86400). */
  readonly ttlSeconds?: number | undefined;
  /** Seconds until a command of the task is killed, where the command has no time-out of its own (1 to 86400). */
  readonly timeoutSeconds?: number | undefined;
  /** Run in a sandboxed host process when no VM can run (default false). */
  readonly allowHostCompat?: boolean | undefined;
  /** Directory, file, .tar, .tar.gz or .tgz on the machine of the client, which packs it. */
  readonly sourcePath?: string | undefined;
}

/** What `pushTaskSync` takes. */
export interface PushOptions extends SourceFilter, CallOptions {
  /** Directory beneath /workspace (default "/workspace"). */
  readonly dest?: string | undefined;
  /** Delete what earlier pushes of this source brought to dest and the source no longer has (default false). */
  readonly delete?: boolean | undefined;
  /** Check the source and list what would be written; change nothing (default false). */
  readonly dryRun?: boolean | undefined;
}

/** What `execTask` takes. */
export interface ExecTaskOptions extends TaskExecOptions {
  /** One line for the guest's /bin/sh -c, or a list of words, which are quoted for it. */
  readonly command: Command;
}

/** What `outputTask` takes. */
export interface OutputOptions {
  /** First byte of standard output wanted (default 0). */
  readonly stdoutOffset?: number | undefined;
  /** First byte of standard error wanted (default 0). */
  readonly stderrOffset?: number | undefined;
  /** Most bytes in the answer, both streams together (1 to 1048576, default 32768). */
  readonly maxBytes?: number | undefined;
  /** Seconds to wait when there is nothing new (0 to 3600, default 0). */
  readonly waitSeconds?: number | undefined;
  /** What to wait for: output, or the command's end (or a full answer) (default "output"). */
  readonly waitFor?: "output" | "end" | undefined;
}

/** What `signalTask` takes. */
export interface SignalOptions {
  /** One of TERM, INT, KILL, HUP, QUIT, USR1, USR2, STOP, CONT, ABRT, ALRM, WINCH (default "TERM"). */
  readonly signal?: SignalName | undefined;
}

/** What `listTasks` takes. */
export interface ListTasksOptions {
  /** Only tasks with this label: KEY, or KEY=VALUE. */
  readonly labels?: readonly string[] | undefined;
}

/** What `pullEnvironment` takes. */
export interface PullOptions extends CallOptions {
  /** Build it again, to take in newer packages (default false). */
  readonly rebuild?: boolean | undefined;
}

/** What `pruneEnvironments` takes. */
export interface PruneOptions {
  /** List what would be removed; change nothing (default false). */
  readonly dryRun?: boolean | undefined;
}
