import { randomBytes } from "node:crypto";

import type {
  Backend,
  FoundMachine,
  Machine,
  MachineHandle,
  Presence,
  SavedMachine,
  StartOptions,
  VmShape,
} from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { EnvironmentCache, InstalledEnvironment } from "../../environments/cache.js";
import { runForExit } from "../../guest/exec.js";
import type { Log } from "../../host/log.js";
import { readAvailableMemoryMib } from "../../host/platform.js";
import type { Call } from "../call.js";
import { type Backends, chooseBackend, type MachineRequest, shapeOf } from "./request.js";
import { type ReadyMachine, type SpareCount, type SpareKind, Spares } from "./spares.js";
import { countFitting, type MachinePlan, openDiskMachine, resumeMachine, startMachine } from "./start.js";
import { type Snapshot, whileUsed } from "../snapshots/snapshots.js";

interface MachinesOptions {
  readonly environments: EnvironmentCache;
  readonly backends: Backends;
  readonly log: Log;
}

/** Machines that outlive the daemon, as tasks and VMs use them. */
export type LastingMachines = Pick<
  Machines,
  | "acquire"
  | "acquireFrom"
  | "adopt"
  | "checkSnapshot"
  | "countRoom"
  | "destroy"
  | "endLost"
  | "hold"
  | "keepDisk"
  | "openDisk"
  | "sweep"
>;

interface HeldEnvironment {
  readonly environment: InstalledEnvironment;
  readonly release: () => void;
}

/** The machines of one daemon: it assigns them to runs, VMs and tasks, keeps spares, and removes each in the end. */
export class Machines {
  readonly #options: MachinesOptions;
  readonly #used = new Map<string, { readonly machine: Presence; readonly release: () => void }>();
  readonly #spares: Spares;

  constructor(options: MachinesOptions) {
    this.#options = options;
    this.#spares = new Spares({ log: options.log, availableMib: readAvailableMemoryMib });
  }

  /** How many machines callers use. */
  inUse(): number {
    return this.#used.size;
  }

  /** The most host memory that the machines in use can take, in MiB. */
  reservedMib(): number {
    return [...this.#used.values()].reduce((sum, { machine }) => sum + (machine.reservedMib ?? 0), 0);
  }

  /** Machines kept ready for the next commands, and those being made, by kind. */
  spares(): SpareCount[] {
    return this.#spares.counts();
  }

  /** A machine of the caller's own, woken and ready for a command. Pulls the environment when it is missing, unless no machine can run. */
  async acquire(request: MachineRequest, call: Call): Promise<{ machine: Machine; environmentDigest: string }> {
    const { backend, why } = await chooseBackend(this.#options.backends, request);
    if (why) this.#options.log.warn({ reason: why.message }, "running without a VM");
    try {
      const held = await this.#holdEnvironment(request.environment, call);
      call.mark("environment");
      const ready = await this.#takeOrStart(backend, held, request, call);
      this.#used.set(ready.machine.id, ready);
      return { machine: ready.machine, environmentDigest: held.environment.digest };
    } catch (error) {
      if (call.signal.aborted) throw new PyroError("ABORTED", "The call was cancelled before the command started.");
      throw error;
    }
  }

  /**
   * A machine that outlives the daemon and continues where a snapshot was made, woken under its own id. Its network is as that of the
   * snapshot. Throws FAILED_PRECONDITION when nothing can start from the snapshot here, RESOURCE_EXHAUSTED when it does not fit.
   */
  async acquireFrom(snapshot: Snapshot, id: string, call: Call): Promise<Machine> {
    const { backends, environments } = this.#options;
    const { environment_digest: digest, network } = snapshot.record;
    const release = environments.hold(digest);
    try {
      const saved = savedMachineOf(snapshot, environments.filesOf(digest).rootPath);
      const options = startOptionsOf({ id, network }, call);
      const makeRoom = () => this.#spares.giveBack();
      const resume = () => resumeMachine(id, backends.qemu, saved, options, makeRoom);
      const machine = await whileUsed(snapshot, resume);
      this.#used.set(id, { machine, release });
      return machine;
    } catch (error) {
      release();
      if (call.signal.aborted) throw new PyroError("ABORTED", "The call was cancelled before the machine ran.");
      throw error;
    }
  }

  /** Why nothing can start from a snapshot here and now; null when it can. */
  checkSnapshot(snapshot: Snapshot): Promise<PyroError | null> {
    const { backends, environments } = this.#options;
    const rootPath = environments.filesOf(snapshot.record.environment_digest).rootPath;
    return backends.qemu.checkSnapshot(savedMachineOf(snapshot, rootPath));
  }

  /** How many more VMs of a shape the host's memory can hold, and what each may take, in MiB. Throws HOST_NOT_ABLE where there are no VMs. */
  async countRoom(mode: string, shape: VmShape): Promise<{ room: number; neededMib: number }> {
    if (mode === "host_compat") throw noForks();
    const neededMib = await this.#options.backends.qemu.countMemoryMib(shape);
    return { room: countFitting(neededMib), neededMib };
  }

  /** Adopts a machine of an earlier daemon, whether or not it answers; null when it has ended. */
  async adopt(lost: { id: string; handle: MachineHandle; environmentDigest: string }): Promise<FoundMachine | null> {
    const machine = await this.#options.backends.qemu.adopt(lost.id, lost.handle);
    if (machine) this.#used.set(lost.id, { machine, release: this.#options.environments.hold(lost.environmentDigest) });
    return machine;
  }

  /** Ends the machines of an earlier daemon, except those in use and those named. Only before any machine is started. */
  sweep(keep: ReadonlySet<string>): Promise<void> {
    return this.#options.backends.qemu.sweep((id) => !this.#used.has(id) && !keep.has(id));
  }

  /** Ends a machine of an earlier daemon, by its id alone. */
  endLost(id: string): Promise<void> {
    return this.#options.backends.qemu.sweep((candidate) => candidate === id);
  }

  /** Keeps an environment, and what was prepared for it, from being pruned until the release is called. */
  hold(environmentDigest: string): () => void {
    return this.#options.environments.hold(environmentDigest);
  }

  /** Moves the disk of a machine that is gone into a directory. */
  keepDisk(id: string, handle: MachineHandle, into: string): Promise<void> {
    return this.#options.backends.qemu.keepDisk(id, handle, into);
  }

  /** A machine that reads a kept disk, and ends with the daemon. Throws FAILED_PRECONDITION when the disk cannot be read. */
  async openDisk(directory: string, environmentDigest: string, signal: AbortSignal): Promise<Machine> {
    const { backends, environments } = this.#options;
    const release = environments.hold(environmentDigest);
    try {
      const disk = { directory, environment: environments.filesOf(environmentDigest) };
      const id = newMachineId();
      const machine = await openDiskMachine(id, backends.qemu, disk, signal, () => this.#spares.giveBack());
      this.#used.set(id, { machine, release });
      return machine;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Ends a machine and removes every file of it; its disk is moved into a directory that is given. */
  async destroy(machine: Presence, keepDiskIn?: string): Promise<void> {
    const used = this.#used.get(machine.id);
    try {
      await machine.destroy(keepDiskIn);
    } finally {
      this.#used.delete(machine.id);
      used?.release();
    }
  }

  /** Removes the machines that are kept ready, and with them their holds on environments. */
  dropSpares(): Promise<void> {
    return this.#spares.end();
  }

  /** Ends every machine that does not outlive the daemon, and removes its files. */
  async closeAll(): Promise<void> {
    const ephemeral = [...this.#used.values()].filter(({ machine }) => machine.handle === null);
    await Promise.all([this.#spares.close(), ...ephemeral.map(({ machine }) => this.destroy(machine))]);
  }

  async #holdEnvironment(name: string, call: Call): Promise<HeldEnvironment> {
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

  /** A machine with the hold on its environment; without a machine the hold is released. */
  async #takeOrStart(
    backend: Backend,
    held: HeldEnvironment,
    request: MachineRequest,
    call: Call,
  ): Promise<ReadyMachine> {
    try {
      const plan = { backend, environment: held.environment, shape: shapeOf(request) };
      const options = startOptionsOf(request, call);
      if (request.id === undefined) return await this.#takeSpareOrStart(plan, held.release, options);
      return { machine: await this.#start(request.id, plan, options), release: held.release };
    } catch (error) {
      held.release();
      throw error;
    }
  }

  /** A spare when there is one of this kind, else a new machine. Each use counts for how many spares are made. */
  async #takeSpareOrStart(plan: MachinePlan, release: () => void, options: StartOptions): Promise<ReadyMachine> {
    const kind = spareKindOf(plan, options);
    const use = this.#spares.begin(kind, (urgent) => this.#makeSpare(plan, options, urgent));
    try {
      const spare = await this.#spares.take(kind.key);
      if (spare) {
        release();
        options.onStage?.("spare");
      }
      const ready = spare ?? { machine: await this.#start(newMachineId(), plan, options), release };
      use.settle();
      const end = () => {
        ready.release();
        use.end();
      };
      return { machine: ready.machine, release: end };
    } catch (error) {
      use.end();
      throw error;
    }
  }

  async #makeSpare(plan: MachinePlan, { network }: StartOptions, urgent: AbortSignal): Promise<ReadyMachine> {
    const quiet = { signal: new AbortController().signal, onProgress: () => {}, persistent: false, network, urgent };
    const release = this.#options.environments.hold(plan.environment.digest);
    try {
      const machine = await this.#start(newMachineId(), plan, quiet);
      // Under emulation the first command pays for translating the kernel's code: a spare has paid already.
      await runForExit(machine.channel, "true");
      return { machine, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #start(id: string, plan: MachinePlan, options: StartOptions): Promise<Machine> {
    return startMachine(id, plan, options, () => this.#spares.giveBack());
  }
}

function savedMachineOf({ record, directory }: Snapshot, rootPath: string): SavedMachine {
  const { vcpu_count: vcpuCount, mem_mib: memMib, disk_mib: diskMib, network } = record;
  return {
    directory,
    handle: record.machine,
    shape: { vcpuCount, memMib, diskMib, network: network !== null },
    environment: { digest: record.environment_digest, rootPath },
  };
}

/** A machine that answers, as one that was found. */
export function asFound(machine: Machine): FoundMachine {
  return { ...machine, ready: Promise.resolve(machine) };
}

function noForks(): PyroError {
  return new PyroError("HOST_NOT_ABLE", "A sandboxed process cannot be forked; only a VM can.", {
    details: { missing: "snapshots" },
  });
}

/** The id of a machine that is not a task's. */
export function newMachineId(): string {
  return `vm-${randomBytes(6).toString("hex")}`;
}

function startOptionsOf({ id, network }: Pick<MachineRequest, "id" | "network">, call: Call): StartOptions {
  return {
    signal: call.signal,
    onProgress: (message) => void call.emit({ event: "progress", phase: "template", message }),
    onStage: (stage) => call.mark(stage),
    persistent: id !== undefined,
    network,
  };
}

/** Spares stand in for requests of the same backend, environment, shape and network. */
function spareKindOf({ backend, environment, shape }: MachinePlan, options: StartOptions): SpareKind {
  const { vcpuCount, memMib, network } = shape;
  const key = [backend.capabilities.executionMode, environment.digest, vcpuCount, memMib].join(" ");
  const name = environment.recipe.name;
  return { key: key + JSON.stringify(options.network), environment: name, vcpuCount, memMib, network };
}
