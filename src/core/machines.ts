import { randomBytes } from "node:crypto";

import type { Backend, Machine } from "../backend/backend.js";
import { PyroError } from "../contract/errors.js";
import type { EnvironmentCache, InstalledEnvironment } from "../environments/cache.js";
import { wake } from "../guest/wake.js";
import type { Log } from "../host/log.js";
import type { Call, Core, MachineRequest, VmRegistry } from "./core.js";

export interface MachinesOptions {
  readonly environments: EnvironmentCache;
  readonly backends: Core["backends"];
  readonly log: Log;
}

/** Sparse: a VM takes what it writes. */
const DISK_MIB = 10_240;

/** The machines of one daemon: who gets which, and that each is gone in the end. */
export class Machines implements VmRegistry {
  readonly #options: MachinesOptions;
  readonly #used = new Map<string, { machine: Machine; release: () => void }>();

  constructor(options: MachinesOptions) {
    this.#options = options;
  }

  inUse(): number {
    return this.#used.size;
  }

  spare(): number {
    return 0;
  }

  /** A machine of one's own, woken and ready for a command. Pulls the environment when it is missing. */
  async acquire(request: MachineRequest, call: Call): Promise<Machine> {
    const { environment, release } = await this.#environment(request.environment, call);
    try {
      const machine = await this.#start(environment, request, call);
      this.#used.set(machine.id, { machine, release });
      return machine;
    } catch (error) {
      release();
      if (call.signal.aborted) throw new PyroError("ABORTED", "It was cancelled before the command started.");
      throw error;
    }
  }

  async destroy(machine: Machine): Promise<void> {
    const used = this.#used.get(machine.id);
    try {
      await machine.destroy();
    } finally {
      this.#used.delete(machine.id);
      used?.release();
    }
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#used.values()].map(({ machine }) => this.destroy(machine)));
  }

  async #environment(name: string, call: Call): Promise<{ environment: InstalledEnvironment; release: () => void }> {
    const { environments } = this.#options;
    for (;;) {
      const held = await environments.acquire(name);
      if (held !== null) return held;
      await environments.pull(name, {
        rebuild: false,
        signal: call.signal,
        onProgress: (progress) => void call.emit({ event: "progress", ...progress }),
      });
    }
  }

  async #start(environment: InstalledEnvironment, request: MachineRequest, call: Call): Promise<Machine> {
    const { backend, why } = await this.#backend(request.allowHostCompat);
    if (why) this.#options.log.warn({ reason: why.message }, "running without a VM");
    const shape = { vcpuCount: request.vcpuCount, memMib: request.memMib, diskMib: DISK_MIB };
    const id = `vm-${randomBytes(6).toString("hex")}`;
    const onProgress = (message: string) => void call.emit({ event: "progress", phase: "template", message });
    const machine = await backend.start(id, environment, shape, { signal: call.signal, onProgress });
    try {
      await wake(machine.channel, id);
      return machine;
    } catch (error) {
      await machine.destroy();
      throw error;
    }
  }

  /** VMs, or what stands in for them when the caller has allowed it and no VM can run here. */
  async #backend(allowHostCompat: boolean): Promise<{ backend: Backend; why: Error | null }> {
    const { qemu, hostCompat } = this.#options.backends;
    const missing = await qemu.check();
    if (missing === null) return { backend: qemu, why: null };
    if (!allowHostCompat) throw missing;
    return { backend: hostCompat, why: missing };
  }
}
