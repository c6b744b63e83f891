import type { NetworkRequest, StartOptions, VmShape } from "../../backend/backend.js";
import type { IsolationLevel } from "../../contract/isolation-levels.js";
import type { Call } from "../call.js";
import type { Snapshot } from "../snapshots/snapshots.js";
import { fitShape } from "./fit-shape.js";

/** The machine that a caller asks for. */
export interface MachineRequest {
  /** Its id; without one, a new machine or a spare. */
  readonly id?: string;
  /** True for a machine that outlives the daemon. */
  readonly outlives?: boolean;
  readonly environment: string;
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly diskMib?: number;
  readonly allowHostCompat: boolean;
  /** The least isolation that the caller accepts; the daemon may require more. */
  readonly requireIsolation?: IsolationLevel | null | undefined;
  /** The snapshot from which it starts, instead of the environment. */
  readonly snapshot?: Snapshot;
  /** Null for no network interface at all. */
  readonly network: NetworkRequest | null;
}

/** Sparse: a VM takes only the disk space that it writes. */
const DEFAULT_DISK_MIB = 10_240;

/** The shape that a request asks for. A saved disk has a size of its own. */
export function shapeOf(request: MachineRequest, savedDiskMib?: number): VmShape {
  const { vcpuCount, memMib, diskMib = DEFAULT_DISK_MIB, network } = request;
  const asked = { vcpuCount, memMib, diskMib, network: network !== null };
  return savedDiskMib === undefined ? asked : fitShape(request.environment, asked, { ...asked, diskMib: savedDiskMib });
}

/** How a machine of a request is started. */
export function startOptionsOf({ network }: Pick<MachineRequest, "network">, call: Call): StartOptions {
  return {
    signal: call.signal,
    onProgress: (message) => void call.emit({ event: "progress", phase: "template", message }),
    onStage: (stage) => call.mark(stage),
    network,
  };
}
