import { randomBytes } from "node:crypto";

import type {
  Backend,
  FoundMachine,
  Machine,
  MachineHandle,
  Presence,
  StartOptions,
  VmShape,
} from "../backend/backend.js";
import { PyroError } from "../contract/errors.js";
import type { EnvironmentCache, InstalledEnvironment } from "../environments/cache.js";
import { runForExit } from "../guest/exec.js";
import { trustCertificates } from "../guest/trust.js";
import { wake } from "../guest/wake.js";
import type { Log } from "../host/log.js";
import { readAvailableMemoryMib } from "../host/platform.js";
import type { Call, Core, MachineRequest, MachineRegistry } from "./core.js";
import { Spares, type SpareCount } from "./spares.js";

export interface MachinesOptions {
  readonly environments: EnvironmentCache;
  readonly backends: Core["backends"];
  readonly log: Log;
}

interface HeldEnvironment {
  readonly environment: InstalledEnvironment;
  readonly release: () => void;
}

/** A machine with the hold on its environment. */
interface Taken<Kind extends Presence = Machine> {
  readonly machine: Kind;
  readonly release: () => void;
}

/** Sparse: a VM takes what it writes. */
const DEFAULT_DISK_MIB = 10_240;
/** Left to the host when a VM takes all the memory it was promised. */
const MEMORY_RESERVE_MIB = 256;

/** The machines of one daemon: who gets which, and that each is gone in the end. */
export class Machines implements MachineRegistry {
  readonly #options: MachinesOptions;
  readonly #used = new Map<string, Taken<Presence>>();
  readonly #spares: Spares;

  constructor(options: MachinesOptions) {
    this.#options = options;
    this.#spares = new Spares({ log: options.log, availableMib: readAvailableMemoryMib });
  }

  inUse(): number {
    return this.#used.size;
  }

  reservedMib(): number {
    return [...this.#used.values()].reduce((sum, { machine }) => sum + (machine.reservedMib ?? 0), 0);
  }

  spares(): SpareCount[] {
    return this.#spares.counts();
  }

  /** A machine of one's own, woken and ready for a command. Pulls the environment when it is missing. */
  async acquire(request: MachineRequest, call: Call): Promise<{ machine: Machine; environmentDigest: string }> {
    try {
      const held = await this.#environment(request.environment, call);
      call.mark("environment");
      const taken = await this.#takeOrStart(held, request, call);
      this.#used.set(taken.machine.id, taken);
      return { machine: taken.machine, environmentDigest: held.environment.digest };
    } catch (error) {
      if (call.signal.aborted) throw new PyroError("ABORTED", "It was cancelled before the command started.");
      throw error;
    }
  }

  async adopt(lost: { id: string; handle: MachineHandle; environmentDigest: string }): Promise<FoundMachine | null> {
    const machine = await this.#options.backends.qemu.adopt(lost.id, lost.handle);
    if (machine) this.#used.set(lost.id, { machine, release: this.#options.environments.hold(lost.environmentDigest) });
    return machine;
  }

  sweep(keep: ReadonlySet<string>): Promise<void> {
    return this.#options.backends.qemu.sweep((id) => !this.#used.has(id) && !keep.has(id));
  }

  endLost(id: string): Promise<void> {
    return this.#options.backends.qemu.sweep((candidate) => candidate === id);
  }

  async destroy(machine: Presence): Promise<void> {
    const used = this.#used.get(machine.id);
    try {
      await machine.destroy();
    } finally {
      this.#used.delete(machine.id);
      used?.release();
    }
  }

  /** Removes what is kept ready, so that nothing holds an environment that nobody uses. */
  dropSpares(): Promise<void> {
    return this.#spares.end();
  }

  async closeAll(): Promise<void> {
    const ephemeral = [...this.#used.values()].filter(({ machine }) => machine.handle === null);
    await Promise.all([this.#spares.close(), ...ephemeral.map(({ machine }) => this.destroy(machine))]);
  }

  async #environment(name: string, call: Call): Promise<HeldEnvironment> {
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

  async #takeOrStart({ environment, release }: HeldEnvironment, request: MachineRequest, call: Call): Promise<Taken> {
    try {
      const { backend, why } = await this.#backend(request);
      if (why) this.#options.log.warn({ reason: why.message }, "running without a VM");
      const shape = {
        vcpuCount: request.vcpuCount,
        memMib: request.memMib,
        diskMib: request.diskMib ?? DEFAULT_DISK_MIB,
        network: request.network !== null,
      };
      const onProgress = (message: string) => void call.emit({ event: "progress", phase: "template", message });
      const { network } = request;
      const onStage = (stage: string) => call.mark(stage);
      const options = { signal: call.signal, onProgress, onStage, persistent: request.id !== undefined, network };
      if (request.id !== undefined) {
        return { machine: await this.#start(request.id, backend, environment, shape, options), release };
      }
      return await this.#takeSpareOrStart(backend, { environment, release }, shape, options);
    } catch (error) {
      release();
      throw error;
    }
  }

  async #takeSpareOrStart(
    backend: Backend,
    { environment, release }: HeldEnvironment,
    shape: VmShape,
    options: StartOptions,
  ): Promise<Taken> {
    const { vcpuCount, memMib, network } = shape;
    const key =
      [backend.capabilities.executionMode, environment.digest, vcpuCount, memMib].join(" ") +
      JSON.stringify(options.network);
    const kind = { key, environment: environment.recipe.name, vcpuCount, memMib, network };
    const use = this.#spares.begin(kind, (urgent) => this.#makeSpare(backend, environment, shape, options, urgent));
    try {
      const spare = await this.#spares.take(key);
      if (spare) {
        release();
        options.onStage?.("spare");
      }
      const taken = spare ?? {
        machine: await this.#start(newMachineId(), backend, environment, shape, options),
        release,
      };
      use.settle();
      return {
        machine: taken.machine,
        release: () => {
          taken.release();
          use.end();
        },
      };
    } catch (error) {
      use.end();
      throw error;
    }
  }

  async #makeSpare(
    backend: Backend,
    environment: InstalledEnvironment,
    shape: VmShape,
    { network }: StartOptions,
    urgent: AbortSignal,
  ): Promise<Taken> {
    const quiet = { signal: new AbortController().signal, onProgress: () => {}, persistent: false, network, urgent };
    const release = this.#options.environments.hold(environment.digest);
    try {
      const machine = await this.#start(newMachineId(), backend, environment, shape, quiet);
      // Under emulation the first command pays for translating the kernel's code: a spare has paid already.
      await runForExit(machine.channel, "true");
      return { machine, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  async #start(
    id: string,
    backend: Backend,
    environment: InstalledEnvironment,
    shape: VmShape,
    options: StartOptions,
  ): Promise<Machine> {
    const neededMib = await backend.countMemoryMib(shape);
    if (!hasMemory(neededMib)) await this.#spares.giveBack();
    assertMemory(shape.memMib, neededMib);
    const machine = await backend.start(id, environment, shape, options);
    try {
      await wake(machine.channel, id, machine.network?.guest);
      options.onStage?.("wake");
      if (machine.network?.hostCa.length) {
        await trustCertificates(machine.channel, machine.network.hostCa);
      }
      if (machine.network?.aptSources) await writeAptSources(machine, machine.network.aptSources);
      return machine;
    } catch (error) {
      await machine.destroy();
      throw error;
    }
  }

  /** VMs, or what stands in for them when the caller has allowed it and no VM can run here. */
  async #backend({ allowHostCompat, network }: MachineRequest): Promise<{ backend: Backend; why: Error | null }> {
    const { qemu, hostCompat } = this.#options.backends;
    const missing = await qemu.check();
    if (missing === null) return { backend: qemu, why: null };
    if (!allowHostCompat) throw missing;
    if (network && !hostCompat.capabilities.network) {
      throw new PyroError("HOST_NOT_ABLE", "No VM can run here, and what stands in for one has no network.", {
        hint: "Run `pyro doctor` to see what VMs need, or do without --network.",
        details: { missing: "network" },
      });
    }
    return { backend: hostCompat, why: missing };
  }
}

/** A machine that answers, as one that was found. */
export function asFound(machine: Machine): FoundMachine {
  return { ...machine, ready: Promise.resolve(machine) };
}

/** Gives the guest's apt the host's mirror. One without a shell or apt does without. */
async function writeAptSources(machine: Machine, sources: string): Promise<void> {
  const quoted = `'${sources.replaceAll("'", `'\\''`)}'`;
  await runForExit(machine.channel, `[ ! -d /etc/apt ] || printf '%s\\n' ${quoted} >/etc/apt/sources.list`);
}

/** The id of a machine that is not a task's. */
export function newMachineId(): string {
  return `vm-${randomBytes(6).toString("hex")}`;
}

function hasMemory(neededMib: number): boolean {
  return readAvailableMemoryMib() >= neededMib + MEMORY_RESERVE_MIB;
}

/** A VM takes memory as it uses it; one that the host could not hold even alone is refused before it starts. */
function assertMemory(memMib: number, neededMib: number): void {
  if (hasMemory(neededMib)) return;
  const availableMib = readAvailableMemoryMib();
  throw new PyroError(
    "RESOURCE_EXHAUSTED",
    `A VM of ${memMib} MiB, which may take ${neededMib} MiB, does not fit: the host has ${availableMib} MiB available, of which ${MEMORY_RESERVE_MIB} are its own.`,
    {
      hint: "Ask for less with --mem-mib, or delete tasks.",
      details: { mem_mib: memMib, needed_mib: neededMib, available_mib: availableMib },
    },
  );
}
