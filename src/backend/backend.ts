import type { PyroError } from "../contract/errors.js";
import type { EnvironmentFiles, InstalledEnvironment } from "../environments/cache.js";
import type { Channel } from "../guest/channel.js";
import type { GuestNetwork } from "../guest/wake.js";
import type { TrustedCertificate } from "../host/trust.js";
import type { MachineSnapshot, SnapshotHandle, SnapshotOptions } from "./snapshot.js";

/** The size of a VM; a template is valid for one size only. */
export interface VmShape {
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly diskMib: number;
  /** True when it has a network interface. */
  readonly network: boolean;
}

/** The addresses that a machine's network may reach besides the public internet. */
export interface NetworkRequest extends NetworkRules {
  /** The host's proxy settings, for the guest's commands to use; addresses in them become reachable. */
  readonly hostEnv: Readonly<Record<string, string>>;
  /** Further bundles in which the host's certificate authorities are looked for; null when the guest is not to trust them. */
  readonly hostCaFiles: readonly string[] | null;
}

/** The rules of a network, which can be replaced while the machine runs. */
export interface NetworkRules {
  /** Closed ranges to open: CIDR, CIDR:PORT or [CIDR]:PORT. */
  readonly allow: readonly string[];
  /** Ranges to close, where `allow` does not open them. */
  readonly deny: readonly string[];
  /** Names, or `*.NAME`. If there are any, only these and the ranges of `allow` are open. */
  readonly allowHosts: readonly string[];
}

/** A port of a machine's gateway that leads to one address of the host, `ADDRESS:PORT`. */
export interface NetworkForward {
  readonly port: number;
  readonly to: string;
}

/** Counters of a machine's network since its start; `lastRefused` has the latest first. */
export interface NetworkReport {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly tcpConnections: number;
  readonly udpFlows: number;
  readonly refused: number;
  readonly lastRefused: readonly {
    readonly protocol: "tcp" | "udp" | "dns";
    readonly address: string;
    readonly port: number;
    readonly reason: "closed_range" | "host_address" | "name" | "too_many";
    /** The name that the guest sent, if it sent one. */
    readonly name: string | null;
    readonly times: number;
    readonly at: Date;
  }[];
}

/** A machine's network, which is enforced outside it. */
export interface MachineNetwork {
  /** The part that the guest gets with `wake`. */
  readonly guest: GuestNetwork;
  /** The requested network, with the rules that apply now. */
  readonly request: NetworkRequest;
  readonly forwards: readonly NetworkForward[];
  /** Variables of each command's environment; the caller's own replace them. */
  readonly env: Readonly<Record<string, string>>;
  /** Lines for the guest's apt, from the host's mirror; null to leave it alone. */
  readonly aptSources: string | null;
  /** The host's certificate authorities that the guest is to trust. */
  readonly hostCa: readonly TrustedCertificate[];
  /** Null when the gate has ended: then no packet passes in or out. */
  report(): Promise<NetworkReport | null>;
  /**
   * Replaces the rules, and ends the connections that they do not leave open. Resolves with the part of the machine's handle that has
   * changed. Rejects with FAILED_PRECONDITION when the gate has ended, or is that of an earlier version.
   */
  setRules(rules: NetworkRules): Promise<MachineHandle>;
}

/** The abilities of a backend, so that callers never check which one it is. */
export interface BackendCapabilities {
  readonly executionMode: string;
  readonly network: boolean;
  /** True when a running machine can become a snapshot. */
  readonly snapshots: boolean;
}

export interface PrepareOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (message: string) => void;
  /** Called when a part of the work is done, with its name. */
  readonly onStage?: (stage: string) => void;
}

/** Something the host lacks, and the command that mends it. */
export interface Problem {
  readonly message: string;
  readonly command: string;
}

/** The program that runs machines. */
export interface Engine {
  readonly version: string;
  readonly path: string;
  /** Whether the program is of the host's packages or of the private toolchain. */
  readonly source: "host" | "private";
}

/** The facts of a backend for `pyro doctor`. */
export interface Diagnosis {
  /** True when a machine can run. */
  readonly ok: boolean;
  readonly engine: Engine | null;
  readonly jail: string;
  readonly accelerator: string | null;
  readonly acceleratorReason: string;
  readonly candidates: readonly {
    readonly name: string;
    readonly exists: boolean;
    readonly opens: boolean;
    readonly usable: boolean | null;
    readonly reason: string;
  }[];
  /** Why a VM can have no network here; null when it can. */
  readonly networkProblem: Problem | null;
  readonly problems: readonly Problem[];
}

export interface StartOptions extends PrepareOptions {
  /** Null for a machine without a network; given exactly when the shape has one. */
  readonly network: NetworkRequest | null;
  /** Given for a machine that no caller waits for yet: it runs at a low priority until this is aborted. */
  readonly urgent?: AbortSignal;
}

/** A backend's record of a machine, to find it again; only the backend knows its shape. */
export type MachineHandle = Readonly<Record<string, unknown>>;

/** A snapshot to start from. */
export interface SavedMachine {
  readonly directory: string;
  readonly handle: SnapshotHandle;
  /** Resolves when its files are whole: one machine begins to start from it, and takes its disk. Null for a snapshot that exists. */
  readonly whole: Promise<unknown> | null;
  readonly shape: VmShape;
  readonly environment: { readonly digest: string; readonly rootPath: string };
}

/** The disk of a machine that has ended, or of a snapshot, with what it takes to read it. */
export interface KeptDisk {
  readonly directory: string;
  /** The record of the snapshot whose directory it is; null for the disk that `keepDisk` has moved there. */
  readonly snapshot: SnapshotHandle | null;
  readonly environment: EnvironmentFiles;
}

/** Memory of the machine that reads a kept disk: a kernel and the agent. */
export const DISK_READER_MEMORY_MIB = 512;

/** Makes machines out of environments. `qemu/` and `host-compat/` implement it. */
export interface Backend {
  /** Records have it, to find the backend of a machine again. */
  readonly name: string;
  readonly capabilities: BackendCapabilities;
  /** Null when machines can be made here; else the error that names the missing parts. */
  check(): Promise<Error | null>;
  /** The program that the next machine runs on; null when there is none. */
  engine(): Promise<Engine | null>;
  /** Checks everything, and tries what can be tried: may take seconds the first time. */
  diagnose(): Promise<Diagnosis>;
  /** The most host memory that a machine of this shape can take, in MiB. */
  countMemoryMib(shape: VmShape): Promise<number>;
  /** Removes files that were prepared for environments without a holder: they can be made again. */
  prune(isHeld: (environmentDigest: string) => boolean, dryRun: boolean): Promise<PruneReport>;
  /**
   * Starts a machine with a ready agent that has not been woken yet: the caller sends `wake` before anything else. It ends with the daemon,
   * until `outlive` is called.
   * The first start makes a template for later ones; callers at the same time share that work. Errors: HOST_NOT_ABLE,
   * VM_START_FAILED, DISK_FULL, ABORTED.
   */
  start(id: string, environment: InstalledEnvironment, shape: VmShape, options: StartOptions): Promise<Machine>;
  /** Null when a machine can start from the snapshot here and now; else why not: FAILED_PRECONDITION with `details.reason`. */
  checkSnapshot(saved: SavedMachine): Promise<PyroError | null>;
  /** Like `start`, but the machine continues from the snapshot. Its agent counts as woken, and must still be woken again. */
  resume(id: string, saved: SavedMachine, options: StartOptions): Promise<Machine>;
  /**
   * Copies the disk of a snapshot into a file that is a disk of its own, also when its memory cannot be used any more. Throws
   * FAILED_PRECONDITION when an image that the disk is based on is gone.
   */
  packDisk(saved: SavedMachine, to: string, signal: AbortSignal): Promise<void>;
  /** Finds a persistent machine of an earlier daemon, with its jobs, without waiting for its agent; null when its process has ended. */
  adopt(id: string, handle: MachineHandle): Promise<FoundMachine | null>;
  /** Ends and removes orphaned machines of these ids, which an earlier daemon left. */
  sweep(isStray: (id: string) => boolean): Promise<void>;
  /** Moves the disk of a machine that is gone, by its handle, into a directory; does nothing when there is none to read. */
  keepDisk(id: string, handle: MachineHandle, into: string): Promise<void>;
  /**
   * Starts a machine with an agent on a throw-away view of a kept disk, not woken yet. It dies with the daemon. Throws FAILED_PRECONDITION
   * when the disk cannot be read any more.
   */
  openDisk(id: string, disk: KeptDisk, signal: AbortSignal): Promise<Machine>;
  /** Ends the work that no caller waits for. */
  close(): Promise<void>;
}

/** The entries that a prune removed and kept, with the reason for each kept one. */
export interface PruneReport {
  readonly removed: readonly { readonly kind: "template" | "leftover"; readonly name: string }[];
  readonly kept: readonly { readonly name: string; readonly reason: string }[];
  readonly freedBytes: number;
}

/** The part of a machine that works without an answer of its agent. */
export interface Presence {
  readonly id: string;
  /** The name of the backend that made it. */
  readonly backend: string;
  readonly executionMode: string;
  readonly accelerator: string | null;
  /** Null when it has none. */
  readonly network: MachineNetwork | null;
  /** The record that `adopt` needs; null while it ends with the daemon. */
  readonly handle: MachineHandle | null;
  /** Resolves with the reason when the machine has ended, for any cause. */
  readonly died: Promise<string>;
  /** The most host memory that it can take, in MiB; null when an earlier version started it. */
  readonly reservedMib: number | null;
  /** The most that its disk can become, in MiB; null when an earlier version started it. */
  readonly reservedDiskMib: number | null;
  /** The reason why it is paused, if the backend knows; it continues by itself when the reason ends. */
  stall(): string | null;
  /** Resolves when its process answers; one that the host has stopped does not. */
  answers(): Promise<void>;
  /** How many bytes of the host the machine uses now. */
  usage(): Promise<{ memoryBytes: number; diskBytes: number }>;
  /**
   * Writes a snapshot of the running machine into an existing, empty directory. The machine is paused meanwhile, and continues even if the snapshot
   * fails. No file system is synced. Errors: HOST_NOT_ABLE, FAILED_PRECONDITION, DISK_FULL, RESOURCE_EXHAUSTED (it took
   * too long), VM_DIED, ABORTED.
   */
  snapshot(directory: string, options: SnapshotOptions): Promise<MachineSnapshot>;
  /** Continues a machine that a snapshot left paused. A paused machine answers late or never, so do not wait for it. */
  proceed(): Promise<void>;
  /** Ends it at once and removes every file of it; its disk is moved into a directory that is given. May be called twice. */
  destroy(keepDiskIn?: string): Promise<void>;
}

/** One running machine: a VM, or a sandboxed process that stands in for one. */
export interface Machine extends Presence {
  readonly channel: Channel;
  /**
   * Lets the machine outlive the daemon that started it. Resolves with its handle from then on; null when its backend cannot do that, or
   * when the machine has ended. Does not reject.
   */
  outlive(): Promise<MachineHandle | null>;
}

/** A machine whose process exists. Its agent answers at once, or when a paused VM continues. */
export interface FoundMachine extends Presence {
  /** Rejects with VM_DIED when the machine ends first, and with AGENT_PROTOCOL when its agent answers wrongly. */
  readonly ready: Promise<Machine>;
}
