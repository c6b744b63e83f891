import type { NetworkRequest, StartOptions, VmShape } from "../../backend/backend.js";
import type { Call } from "../call.js";

/** The machine that a caller asks for. */
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

/** Sparse: a VM takes only the disk space that it writes. */
const DEFAULT_DISK_MIB = 10_240;

export function shapeOf({ vcpuCount, memMib, diskMib, network }: MachineRequest): VmShape {
  return { vcpuCount, memMib, diskMib: diskMib ?? DEFAULT_DISK_MIB, network: network !== null };
}

/** How a machine of a request is started; it outlives the daemon when the request has an id. */
export function startOptionsOf({ id, network }: Pick<MachineRequest, "id" | "network">, call: Call): StartOptions {
  return {
    signal: call.signal,
    onProgress: (message) => void call.emit({ event: "progress", phase: "template", message }),
    onStage: (stage) => call.mark(stage),
    persistent: id !== undefined,
    network,
  };
}
