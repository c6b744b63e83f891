import type { InstalledEnvironment } from "../environments/cache.js";
import type { Channel } from "../guest/channel.js";

/** The size of a VM, and so part of what its template is valid for. */
export interface VmShape {
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly diskMib: number;
}

/** What a backend can do, told in a record, so that callers never ask which one it is. */
export interface BackendCapabilities {
  readonly executionMode: "guest" | "host_compat";
  /** True when commands run under a kernel of their own. */
  readonly ownKernel: boolean;
  readonly network: boolean;
  /** True when a machine can outlive the daemon. */
  readonly survivesDaemon: boolean;
}

export type Accelerator = "kvm" | "hvf" | "tcg";

export interface PrepareOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
}

/** Something the host lacks, and the command that mends it. */
export interface Problem {
  readonly message: string;
  readonly command: string;
}

/** What `pyro doctor` shows of a backend. */
export interface Diagnosis {
  /** True when a machine can run. */
  readonly ok: boolean;
  readonly version: string | null;
  readonly jail: string;
  readonly accelerator: Accelerator | null;
  readonly acceleratorReason: string;
  readonly candidates: readonly {
    readonly name: Accelerator;
    readonly exists: boolean;
    readonly opens: boolean;
    readonly usable: boolean | null;
    readonly reason: string;
  }[];
  readonly problems: readonly Problem[];
}

export interface StartOptions extends PrepareOptions {
  /** True when the machine outlives the daemon that started it, if the backend can do that at all. */
  readonly persistent: boolean;
}

/** What a backend wrote down to find a machine again; only it knows the shape. */
export type MachineHandle = Readonly<Record<string, unknown>>;

/** Makes machines out of environments. `qemu/` and `host-compat/` implement it. */
export interface Backend {
  readonly capabilities: BackendCapabilities;
  /** Null when machines can be made here; else what is missing, as the error to throw. */
  check(): Promise<Error | null>;
  /** Looks closely, trying what can be tried: may take seconds the first time. */
  diagnose(): Promise<Diagnosis>;
  /** Does once what every later `start` profits from (a template). Callers at the same time share the work. */
  prepare(environment: InstalledEnvironment, shape: VmShape, options: PrepareOptions): Promise<void>;
  /** Removes what was prepared for environments that nobody holds: it can be made again. */
  prune(isHeld: (environmentDigest: string) => boolean): Promise<PruneReport>;
  /**
   * Starts a machine with a ready agent that has not been woken yet: the caller sends `wake` before anything else.
   * Prepares first when that was not done. Errors: HOST_NOT_ABLE, VM_START_FAILED, DISK_FULL, ABORTED.
   */
  start(id: string, environment: InstalledEnvironment, shape: VmShape, options: StartOptions): Promise<Machine>;
  /** Finds a persistent machine that an earlier daemon started, jobs and all, without waiting for its agent; null when it is gone. */
  adopt(id: string, handle: MachineHandle): Promise<FoundMachine | null>;
  /** Ends and removes the machines that nobody has: those of these ids that an earlier daemon left. */
  sweep(isStray: (id: string) => boolean): Promise<void>;
}

/** What a prune removed and kept; field names are the contract's. */
export interface PruneReport {
  readonly removed: readonly { readonly kind: "template" | "leftover"; readonly name: string }[];
  readonly kept: readonly { readonly name: string; readonly reason: string }[];
  readonly freedBytes: number;
}

/** What there is of a machine whether or not its agent answers. */
export interface Presence {
  readonly id: string;
  readonly executionMode: "guest" | "host_compat";
  readonly accelerator: Accelerator | null;
  /** What to write down for `adopt`; null when it dies with the daemon. */
  readonly handle: MachineHandle | null;
  /** Resolves with the reason when the machine is gone, whoever ended it. */
  readonly died: Promise<string>;
  /** Why it stands still, when the backend knows it does; it goes on by itself once that is mended. */
  stall(): string | null;
  /** What it takes of the host now, in bytes. */
  usage(): Promise<{ memoryBytes: number; diskBytes: number }>;
  /** Ends it at once and removes every file of it. May be called twice. */
  destroy(): Promise<void>;
}

/** One running machine: a VM, or a sandboxed process that stands in for one. */
export interface Machine extends Presence {
  readonly channel: Channel;
}

/** A machine whose process is there. Its agent answers at once, or when a VM that stands still moves again. */
export interface FoundMachine extends Presence {
  /** Rejects with VM_DIED when the machine ends first, and with AGENT_PROTOCOL when its agent answers wrongly. */
  readonly ready: Promise<Machine>;
}
