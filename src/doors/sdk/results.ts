// Rendered from src/contract/ by `npm run build`. Do not edit.

/** Where the command ran. */
export type ExecutionMode = "guest" | "host_compat";

/** What is known of a VM's network. */
export interface NetworkInfo {
  /** down: its gate has ended, and nothing gets in or out. */
  readonly state: "up" | "down";
  readonly mac: string;
  readonly mtu: number;
  /** The guest's own, with their networks' bits. */
  readonly addresses: readonly string[];
  readonly routes: readonly {
    readonly destination: string;
    readonly gateway: string;
  }[];
  /** What the guest asks for names; each stands for one of the host's. */
  readonly resolvers: readonly string[];
  readonly policy: {
    /** public: all but private, local and this host's addresses. names: only what is named here. */
    readonly default: "public" | "names";
    /** Names that may be reached. */
    readonly allowHosts: readonly string[];
    /** What is open besides. */
    readonly allow: readonly string[];
    /** Ports of the gateway that lead to an address of this host. */
    readonly forwards: readonly {
      readonly gatewayPort: number;
      readonly to: string;
    }[];
  };
  /** Certificate authorities of the host that the guest trusts. */
  readonly hostCa: readonly CertificateAuthority[];
  /** Null when it is down. */
  readonly counters: {
    /** What the guest has sent, without headers. */
    readonly sentBytes: number;
    readonly receivedBytes: number;
    readonly tcpConnections: number;
    readonly udpFlows: number;
    /** Connections and first datagrams that the policy refused. */
    readonly refused: number;
  } | null;
  readonly lastRefused: readonly {
    /** dns: a name that was asked for. */
    readonly protocol: "tcp" | "udp" | "dns";
    readonly address: string;
    readonly port: number;
    /** name: no allowed name was asked for, or none led there. */
    readonly reason: "closed_range" | "host_address" | "name" | "too_many";
    /** What the guest asked for, when it said so. */
    readonly name: string | null;
    readonly times: number;
    /** UTC, ISO 8601. */
    readonly at: string;
  }[];
}

/** A certificate authority that the host's distribution does not ship. */
export interface CertificateAuthority {
  readonly subject: string;
  /** 64 hex digits. */
  readonly fingerprintSha256: string;
  /** UTC, ISO 8601. */
  readonly expiresAt: string;
}

/** What a VM runs on; `tcg` is software emulation. */
export type Accelerator = "kvm" | "hvf" | "tcg";

/** What the workspace held when the task was created; a push never changes it. */
export interface WorkspaceSeed {
  readonly mode: "empty" | "directory" | "file" | "archive";
  readonly sourcePath: string | null;
  readonly destination: string;
  /** Entries imported. */
  readonly entryCount: number;
  /** Bytes of their files. */
  readonly bytesWritten: number;
}

/** The last sync push that was switched in. */
export interface LastPush extends WorkspaceSeed {
  /** UTC, ISO 8601. */
  readonly pushedAt: string;
}

/** What is known of one environment. */
export interface Environment {
  readonly name: string;
  /** Version of the recipe. */
  readonly version: string;
  readonly description: string;
  readonly installed: boolean;
  /** Distribution and release, such as debian 12. */
  readonly distribution: string;
  readonly architecture: string;
  /** What the recipe asks for by name. */
  readonly defaultPackages: readonly string[];
  /** Packages of the npm registry in it, with the digest that each was checked against. */
  readonly npmPackages?: readonly {
    readonly name: string;
    readonly version: string;
    readonly integrity: string;
  }[] | undefined;
  /** Where its packages come from. */
  readonly source: string;
  /** Digest of the installed content. */
  readonly digest?: string | undefined;
  /** Bytes on this disk. */
  readonly sizeBytes?: number | undefined;
  /** UTC, ISO 8601. */
  readonly pulledAt?: string | undefined;
}

/** How a command ended. An exit code other than 0, a time-out and a cancel are results, not errors. */
export interface CommandResult {
  /** The command line that the guest's shell was given. */
  readonly command: string;
  /** Standard output: head and tail when it was long. */
  readonly stdout: string;
  /** Standard error: head and tail when it was long. */
  readonly stderr: string;
  readonly stdoutTruncated: boolean;
  readonly stderrTruncated: boolean;
  /** Bytes left out of the middle of stdout. */
  readonly stdoutOmittedBytes: number;
  /** Bytes left out of the middle of stderr. */
  readonly stderrOmittedBytes: number;
  /** Milliseconds the command ran. */
  readonly durationMs: number;
  /** True when the time-out ended it. */
  readonly timedOut: boolean;
  /** True when the caller cancelled it. */
  readonly aborted: boolean;
  /** True when the VM ran out of memory and its kernel killed the command, or a process that it started. */
  readonly oomKilled: boolean;
  /** Memory of its VM in MiB. */
  readonly memMib: number;
  /** Where the command ran. */
  readonly executionMode: ExecutionMode;
}

/** What is known of one task. */
export interface TaskInfo {
  readonly taskId: string;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Variables that all its commands get. */
  readonly envNames: readonly string[];
  /** `unknown` when its record is unreadable. */
  readonly environment: string;
  /** unreadable: its record was damaged. */
  readonly state: "started" | "stopped" | "failed" | "unreadable";
  /** Why it is not started, or why its VM stands still. */
  readonly stateReason: string | null;
  readonly workspacePath: string;
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly diskMib: number;
  /** Time-out of its commands where a call has none; null for the default. */
  readonly timeoutSeconds: number | null;
  readonly networkEnabled: boolean;
  /** Null without a network, or while it is not started. */
  readonly network: NetworkInfo | null;
  readonly allowHostCompat: boolean;
  /** Where the command ran. */
  readonly executionMode: ExecutionMode;
  /** What the VM ran on. */
  readonly accelerator: Accelerator | null;
  /** UTC, ISO 8601. */
  readonly createdAt: string;
  /** UTC, ISO 8601. */
  readonly lastActivityAt: string;
  /** Null when it never expires. */
  readonly expiresAt: string | null;
  readonly commandCount: number;
  readonly runningCommands: number;
  readonly lastCommand: {
    readonly command: string;
    readonly exitCode: number | null;
    readonly timedOut: boolean;
  } | null;
  /** What the workspace held when the task was created; a push never changes it. */
  readonly workspaceSeed: WorkspaceSeed;
  /** The last sync push that was switched in. */
  readonly lastPush: LastPush | null;
  /** Host memory its VM takes now. */
  readonly memoryBytes: number | null;
  /** Host memory that its VM can come to take, in MiB: what it was admitted with. */
  readonly memoryReservedMib: number | null;
  /** Host disk its VM takes now. */
  readonly diskBytes: number | null;
}

/** How the one command of a VM ended. */
export interface RunResult extends CommandResult {
  readonly vmId: string;
  readonly environment: string;
  /** The command's own exit status; 128 + N when signal N ended it; 124 when its time-out did. */
  readonly exitCode: number;
  /** What the VM ran on. */
  readonly accelerator: Accelerator | null;
  /** What became of the VM. */
  readonly cleanup: {
    readonly deleted: boolean;
  };
  /** What was left out or may be torn, with the first names. */
  readonly warnings?: readonly string[] | undefined;
}

/** What is known of one VM. */
export interface Vm {
  readonly vmId: string;
  /** `unknown` when its record is unreadable. */
  readonly environment: string;
  /** unreadable: its record was damaged. */
  readonly state: "created" | "started" | "stopped" | "failed" | "unreadable";
  /** Why it failed, or why it stands still. */
  readonly stateReason: string | null;
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly networkEnabled: boolean;
  readonly allowHostCompat: boolean;
  /** Null until it is started. */
  readonly executionMode: ExecutionMode | null;
  /** What the VM ran on. */
  readonly accelerator: Accelerator | null;
  /** UTC, ISO 8601. When its record is unreadable: when that file was written. */
  readonly createdAt: string;
  /** Null when its record is unreadable: it does not expire. */
  readonly expiresAt: string | null;
}

/** A VM that is no more. */
export interface DeletedVm {
  readonly vmId: string;
  readonly deleted: true;
}

/** A VM's network. */
export interface VmNetwork {
  readonly vmId: string;
  readonly networkEnabled: boolean;
  /** Null without a network, or while the VM is not started. */
  readonly network: NetworkInfo | null;
}

/** What was removed because its time was over. */
export interface ReapReport {
  /** Ids of what was removed. */
  readonly removed: readonly string[];
}

/** A task that was just created. */
export interface CreatedTask extends TaskInfo {
  /** What of its source was left out or may be torn. */
  readonly warnings?: readonly string[] | undefined;
}

/** What a push has brought into a workspace. */
export interface PushResult {
  readonly taskId: string;
  readonly sourcePath: string;
  readonly mode: "empty" | "directory" | "file" | "archive";
  readonly destination: string;
  /** Entries imported. */
  readonly entryCount: number;
  /** Bytes of their files. */
  readonly bytesWritten: number;
  /** Entries left out by exclude; a directory counts once, with all that is in it. */
  readonly excludedCount: number;
  /** Entries that were equal already and were not touched. */
  readonly unchangedCount: number;
  /** Entries of an archive whose extended attributes or access control lists were left out. */
  readonly ignoredXattrCount: number;
  /** Sockets, FIFOs and devices left out. */
  readonly skippedSpecial: number;
  /** Links left out, as `links` asks. */
  readonly skippedLinks: number;
  /** Entries that changed or disappeared while they were read. */
  readonly changedEntries: number;
  /** What was left out or may be torn, with the first names. */
  readonly warnings: readonly string[];
  /** Entries that were deleted, since the source no longer has them. */
  readonly deletedCount: number;
  /** Entries that were not deleted, since the task has changed them. */
  readonly keptCount: number;
  /** Milliseconds from the request to the end of the switch. */
  readonly durationMs: number;
  readonly dryRun: boolean;
  /** In a dry run: what would be written, the first 10,000 entries. */
  readonly entries?: readonly {
    readonly path: string;
    readonly type: "file" | "directory" | "symlink" | "hardlink";
    readonly sizeBytes: number;
  }[] | undefined;
}

/** How a command of a task ended; also an entry of the task's log. */
export interface TaskExecResult extends CommandResult {
  readonly taskId: string;
  /** Number of the command in its task. */
  readonly sequence: number;
  readonly cwd: string;
  /** Null while it runs, and when it ended without one: see `error`. */
  readonly exitCode: number | null;
  readonly state: "running" | "ended";
  /** Why it ended without an exit status of its own, such as the VM's death. */
  readonly error: {
    readonly code: string;
    readonly message: string;
  } | null;
  /** What the VM ran on. */
  readonly accelerator: Accelerator | null;
  /** UTC, ISO 8601. */
  readonly startedAt: string;
}

/** What a command of a task wrote, as far as it got. */
export interface CommandOutput {
  readonly taskId: string;
  /** Number of the command in its task. */
  readonly sequence: number;
  readonly command: string;
  readonly state: "running" | "ended";
  /** Null while it runs, and when it ended without one: see `error`. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  readonly aborted: boolean;
  /** True when the VM ran out of memory and its kernel killed the command, or a process that it started. */
  readonly oomKilled: boolean;
  /** Memory of its VM in MiB. */
  readonly memMib: number;
  /** Why it ended without an exit status of its own, such as the VM's death. */
  readonly error: {
    readonly code: string;
    readonly message: string;
  } | null;
  /** What the VM ran on. */
  readonly accelerator: Accelerator | null;
  readonly durationMs: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes asked for that are kept no longer; they come before `stdout`. */
  readonly stdoutOmittedBytes: number;
  /** Bytes asked for that are kept no longer; they come before `stderr`. */
  readonly stderrOmittedBytes: number;
  /** Where the next call goes on. */
  readonly nextStdoutOffset: number;
  /** Where the next call goes on. */
  readonly nextStderrOffset: number;
  /** Bytes it has written so far. */
  readonly stdoutBytes: number;
  /** Bytes it has written so far. */
  readonly stderrBytes: number;
  /** True when it has ended and there is no more to read. */
  readonly complete: boolean;
}

/** A signal that a command has got. */
export interface SentSignal {
  readonly taskId: string;
  /** Number of the command in its task. */
  readonly sequence: number;
  readonly signal: string;
  readonly sent: true;
}

/** One of TERM, INT, KILL, HUP, QUIT, USR1, USR2, STOP, CONT, ABRT, ALRM, WINCH. */
export type SignalName = "TERM" | "INT" | "KILL" | "HUP" | "QUIT" | "USR1" | "USR2" | "STOP" | "CONT" | "ABRT" | "ALRM" | "WINCH";

/** Every command of a task, those that run included, in the order of their numbers. */
export interface TaskLogs {
  readonly taskId: string;
  readonly count: number;
  readonly entries: readonly TaskExecResult[];
}

/** The tasks of this home. */
export interface TaskList {
  readonly tasks: readonly TaskInfo[];
}

/** A task that is no more. */
export interface DeletedTask {
  readonly taskId: string;
  readonly deleted: true;
}

/** The environments that can be used here. */
export interface EnvironmentList {
  readonly catalogVersion: string;
  readonly environments: readonly Environment[];
}

/** An environment that is there and whole. */
export interface PulledEnvironment extends Environment {
  /** True when a damaged copy was replaced. */
  readonly repaired: boolean;
  /** False when it was there already. */
  readonly built: boolean;
}

/** An environment with all that is in it; the lists are there once it is installed. */
export interface EnvironmentDetails extends Environment {
  readonly kernelVersion?: string | undefined;
  readonly packages?: readonly {
    readonly name: string;
    readonly version: string;
  }[] | undefined;
  readonly files?: readonly {
    readonly name: string;
    readonly sizeBytes: number;
    readonly sha256: string;
  }[] | undefined;
}

/** What was removed from this host, and what was left alone. */
export interface PruneReport {
  readonly removed: readonly {
    readonly kind: "environment" | "template" | "leftover";
    readonly name: string;
  }[];
  /** What was left alone, and why. */
  readonly kept: readonly {
    readonly name: string;
    readonly reason: string;
  }[];
  /** Bytes of what was removed, or would be. */
  readonly freedBytes: number;
  readonly dryRun: boolean;
}

/** Whether this host can run VMs, and what is missing. */
export interface DoctorReport {
  /** True when a VM can run. */
  readonly ok: boolean;
  readonly platform: string;
  readonly runtime: {
    readonly ok: boolean;
    readonly qemuVersion: string | null;
    readonly jail: string;
  };
  readonly accelerator: {
    readonly inUse: Accelerator | null;
    readonly reason: string;
    readonly candidates: readonly {
      /** What a VM runs on; `tcg` is software emulation. */
      readonly name: Accelerator;
      readonly exists: boolean;
      readonly opens: boolean;
      /** Null while nothing has been tried. */
      readonly usable: boolean | null;
      readonly reason: string;
    }[];
  };
  readonly environmentCache: {
    readonly path: string;
    readonly installed: readonly string[];
    readonly sizeBytes: number;
  };
  readonly capabilities: {
    readonly vmBoot: boolean;
    readonly guestExec: boolean;
    readonly guestNetwork: boolean;
  };
  readonly networking: string;
  /** Certificate authorities that this host trusts and a VM does not, without --network-host-ca. */
  readonly hostCa: readonly CertificateAuthority[];
  /** Limits of the host on each VM, and on what stands in for one: memory, processes, processors. */
  readonly limits: {
    readonly set: boolean;
    /** Where the control groups are, or why there are none. */
    readonly reason: string;
    /** What starts the daemon where it may make them; null when nothing is known to. */
    readonly command: string | null;
  };
  readonly problems: readonly {
    readonly message: string;
    /** What mends it. */
    readonly command: string;
  }[];
}
