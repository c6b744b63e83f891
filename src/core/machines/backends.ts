import type { Backend } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { MachineRequest } from "./request.js";

/** The backends of a daemon, found by the names that records have. */
export class Backends {
  /** Makes VMs. */
  readonly vms: Backend;
  /** Replaces VMs where a caller allows that. */
  readonly #fallback: Backend;

  constructor(vms: Backend, fallback: Backend) {
    this.vms = vms;
    this.#fallback = fallback;
  }

  get all(): readonly Backend[] {
    return [this.vms, this.#fallback];
  }

  /** Throws FAILED_PRECONDITION for a backend that only another version has. */
  get(name: string): Backend {
    const backend = this.all.find((each) => each.name === name);
    if (backend) return backend;
    throw new PyroError("FAILED_PRECONDITION", `This version of pyro has no backend ${name}.`, {
      hint: "Use the version that made the machine.",
      details: { backend: name },
    });
  }

  /**
   * The backend for a request: VMs, or the fallback when the caller has allowed it and no VM can run here. `why` is the reason that no
   * VM can run. Throws HOST_NOT_ABLE when neither serves.
   */
  async choose({ allowHostCompat, network }: MachineRequest): Promise<{ backend: Backend; why: Error | null }> {
    const missing = await this.vms.check();
    if (missing === null) return { backend: this.vms, why: null };
    if (!allowHostCompat) throw missing;
    if (network && !this.#fallback.capabilities.network) {
      throw new PyroError("HOST_NOT_ABLE", "No VM can run here, and host_compat has no network.", {
        hint: "Run `pyro doctor` to see what VMs need, or do without --network.",
        details: { missing: "network" },
      });
    }
    return { backend: this.#fallback, why: missing };
  }
}
