import type { OperationEvent } from "../contract/operation.js";
import type { InputOf, OperationName, ResultOf } from "../contract/operations.js";
import type { Backend, FoundMachine, Machine, MachineHandle, NetworkRequest, Presence } from "../backend/backend.js";
import type { EnvironmentCache } from "../environments/cache.js";
import type { ControlGroups } from "../host/control-groups.js";
import type { Home } from "../host/home.js";
import type { Log } from "../host/log.js";
import type { Toolchains } from "../toolchain/toolchains.js";
import type { Ending } from "./ending.js";
import type { SpareCount } from "./spares.js";
import type { Tasks } from "./tasks/tasks.js";
import type { Vms } from "./vms/vms.js";

/** What every operation works on. The daemon makes one and keeps it for its life. */
export interface Core {
  readonly home: Home;
  readonly version: string;
  readonly log: Log;
  readonly groups: ControlGroups;
  readonly environments: EnvironmentCache;
  readonly toolchains: Toolchains;
  readonly machines: MachineRegistry;
  readonly vms: Vms;
  readonly tasks: Tasks;
  readonly backends: { readonly qemu: Backend; readonly hostCompat: Backend };
}

export interface MachineRequest {
  /** Given for a machine that outlives the daemon. */
  readonly id?: string;
  readonly environment: string;
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly diskMib?: number;
  readonly allowHostCompat: boolean;
  /** Null for no network interface at all. */
  readonly network: NetworkRequest | null;
}

/** The machines of this daemon: those of runs, VMs and tasks, and the spare ones. */
export interface MachineRegistry {
  /** A machine of the caller's own, woken and ready for a command. Pulls the environment when it is missing. */
  acquire(request: MachineRequest, call: Call): Promise<{ machine: Machine; environmentDigest: string }>;
  /** Finds a machine again that an earlier daemon started, whether or not it answers; null when it is gone. */
  adopt(lost: { id: string; handle: MachineHandle; environmentDigest: string }): Promise<FoundMachine | null>;
  /** Ends what an earlier daemon left, but for the machines in use and those named. Only before any machine is started. */
  sweep(keep: ReadonlySet<string>): Promise<void>;
  /** Ends a machine of an earlier daemon, of which nothing is known but its id. */
  endLost(id: string): Promise<void>;
  /** Ends a machine and removes every file of it. */
  destroy(machine: Presence): Promise<void>;
  /** VMs that a caller uses. */
  inUse(): number;
  /** Host memory that the VMs in use can come to take, in MiB. */
  reservedMib(): number;
  /** VMs kept ready for the next commands, and those on their way there, by kind. */
  spares(): readonly SpareCount[];
  /** Removes what is kept ready. */
  dropSpares(): Promise<void>;
  /** Ends every VM that does not outlive the daemon, and removes its files. */
  closeAll(): Promise<void>;
}

/** One caller's call: how to reach it while it waits, and how it cancels. */
export interface Call extends Ending {
  /** Aborted when the caller cancels, after the grace that a running command gets, or is gone. */
  readonly signal: AbortSignal;
  /** True when the signal is the caller's own wish; otherwise the caller is gone, or the daemon ends. */
  isCancelled(): boolean;
  /** The caller's standard input; null when there is none. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  /** The archive behind the input; null for operations without one. Throws when the caller is gone before its end. */
  readonly upload: AsyncIterable<Uint8Array> | null;
  /** Says what the time since the last such call was spent on. */
  mark(stage: string): void;
  /** Sends an event; resolves when the caller can take more. */
  emit(event: OperationEvent): Promise<void>;
}

export type { InputOf, ResultOf };

/** What happens when an operation is asked for: its input is checked already; errors are PyroErrors. */
export type Handler<Name extends OperationName> = (
  core: Core,
  input: InputOf<Name>,
  call: Call,
) => Promise<ResultOf<Name>>;
