import type { Backend, NetworkRequest, VmShape } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";

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

export interface Backends {
  readonly qemu: Backend;
  readonly hostCompat: Backend;
}

/** Sparse: a VM takes only the disk space that it writes. */
const DEFAULT_DISK_MIB = 10_240;

export function shapeOf({ vcpuCount, memMib, diskMib, network }: MachineRequest): VmShape {
  return { vcpuCount, memMib, diskMib: diskMib ?? DEFAULT_DISK_MIB, network: network !== null };
}

/**
 * The backend for a request: VMs, or host_compat when the caller has allowed it and no VM can run here. `why` is the reason that no
 * VM can run. Throws HOST_NOT_ABLE when neither serves.
 */
export async function chooseBackend(
  { qemu, hostCompat }: Backends,
  { allowHostCompat, network }: MachineRequest,
): Promise<{ backend: Backend; why: Error | null }> {
  const missing = await qemu.check();
  if (missing === null) return { backend: qemu, why: null };
  if (!allowHostCompat) throw missing;
  if (network && !hostCompat.capabilities.network) {
    throw new PyroError("HOST_NOT_ABLE", "No VM can run here, and host_compat has no network.", {
      hint: "Run `pyro doctor` to see what VMs need, or do without --network.",
      details: { missing: "network" },
    });
  }
  return { backend: hostCompat, why: missing };
}
