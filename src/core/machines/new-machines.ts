import type { Backend, Machine, StartOptions, VmShape } from "../../backend/backend.js";
import type { ImageConfig } from "../../environments/manifest.js";
import { PyroError } from "../../contract/errors.js";
import type { EnvironmentCache, InstalledEnvironment } from "../../environments/cache.js";
import { runBriefly } from "../../guest/run-for-exit.js";
import type { Log } from "../../host/log.js";
import { readAvailableMemoryMib } from "../../host/platform.js";
import type { Call } from "../call.js";
import type { Isolation } from "../isolation.js";
import type { Snapshot } from "../snapshots/snapshots.js";
import type { Backends } from "./backends.js";
import type { Budget, Share } from "./budget.js";
import { newMachineId } from "./machine-id.js";
import { type MachineRequest, shapeOf, startOptionsOf } from "./request.js";
import type { ReadyMachine, SpareCount, SpareKind } from "./spare-kind.js";
import { Spares } from "./spares.js";
import { letOutlive, type MachinePlan, type Room, startMachine } from "./start.js";

export interface NewMachinesOptions {
  readonly environments: EnvironmentCache;
  readonly backends: Backends;
  /** The memory and disk that all machines together may use. */
  readonly budget: Budget;
  readonly isolation: Isolation;
  readonly log: Log;
  /** The snapshot that is an environment; null for an environment that boots. */
  readonly findSaved?: (environment: string) => Snapshot | null;
}

interface EndOffered {
  /** Ends the other unused machines. */
  readonly endOffered: () => Promise<unknown>;
}

/** The environment and the shape of a new machine. */
export interface NewMachineFacts {
  readonly environmentDigest: string;
  /** The configuration of its image; undefined for an environment that is not a container image. */
  readonly image: ImageConfig | undefined;
  readonly shape: VmShape;
}

interface HeldEnvironment {
  readonly environment: InstalledEnvironment;
  readonly release: () => void;
}

/** The machines that are started for requests, or were started ahead as spares. */
export class NewMachines {
  readonly #options: NewMachinesOptions & EndOffered;
  readonly #spares: Spares;

  constructor(options: NewMachinesOptions & EndOffered) {
    this.#options = options;
    this.#spares = new Spares({
      ...{ log: options.log, availableMib: readAvailableMemoryMib },
      isAllowed: (share) => options.budget.fits(share),
    });
  }

  /** The limits that the admission of another machine checks, and the work that frees memory for it. */
  get room(): Room {
    const { budget, endOffered } = this.#options;
    const freeMemory = async <T>(work: () => Promise<T>) => {
      await endOffered();
      return this.#spares.whileGivenBack(work);
    };
    return { budget, freeMemory };
  }

  /** Machines kept ready for the next commands, and those being made, by kind. */
  spares(): SpareCount[] {
    return this.#spares.counts();
  }

  /** A machine for a request, woken and ready for a command. Pulls the environment when it is missing, unless no machine can run. */
  async make(request: MachineRequest, call: Call): Promise<ReadyMachine & NewMachineFacts> {
    const { backend, why } = await this.#options.backends.choose(request);
    if (why) this.#options.log.warn({ reason: why.message }, "running without a VM");
    const held = await this.#holdEnvironment(request.environment, call);
    call.mark("environment");
    try {
      assertBoots(backend, held.environment);
      const shape = shapeOf(request, held.environment.savedDisk?.diskMib);
      const ready = await this.#takeOrStart(backend, held, { request, shape }, call);
      const machine = request.outlives === true ? await letOutlive(ready.machine) : ready.machine;
      const { digest, manifest } = held.environment;
      return { ...ready, machine, environmentDigest: digest, image: manifest.image, shape };
    } catch (error) {
      held.release();
      throw error;
    }
  }

  /** The digest of an environment, which is pulled when it is missing. */
  async identify(name: string, call: Call): Promise<string> {
    const { environment, release } = await this.#holdEnvironment(name, call);
    release();
    return environment.digest;
  }

  /** Ends the spares, and with them their holds on environments. */
  dropSpares(): Promise<void> {
    return this.#spares.end();
  }

  close(): Promise<void> {
    return this.#spares.close();
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

  /** Adds the hold on its environment to a machine; if there is no machine, releases the hold. */
  async #takeOrStart(
    backend: Backend,
    held: HeldEnvironment,
    { request, shape }: { readonly request: MachineRequest; readonly shape: VmShape },
    call: Call,
  ): Promise<ReadyMachine> {
    const plan = { backend, environment: held.environment, shape };
    const options = startOptionsOf(request, call);
    if (request.id === undefined) return this.#takeSpareOrStart(plan, held.release, options, request.outlives === true);
    return { machine: await this.#start(request.id, plan, options), release: held.release };
  }

  /** A spare when there is one of this kind, else a new machine. Each request influences how many spares are made. */
  async #takeSpareOrStart(
    plan: MachinePlan,
    release: () => void,
    options: StartOptions,
    outlives: boolean,
  ): Promise<ReadyMachine> {
    const share = { memoryMib: await plan.backend.countMemoryMib(plan.shape), diskMib: plan.shape.diskMib };
    const kind = spareKindOf(plan, options, share);
    const use = this.#spares.begin(kind, (urgent, signal) => this.#makeSpare(plan, options, { urgent, signal }));
    try {
      const spare = await this.#takeSpare(kind.key);
      if (spare) {
        release();
        options.onStage?.("spare");
      }
      const ready = spare ?? { machine: await this.#start(newMachineId(), plan, options), release };
      use.settle();
      // A machine that lasts for days does not say how many are wanted at once.
      if (outlives) use.end();
      const end = () => {
        ready.release();
        if (!outlives) use.end();
      };
      return { machine: ready.machine, release: end };
    } catch (error) {
      use.end();
      throw error;
    }
  }

  /** A spare, if there is one. One whose gate has ended is removed. */
  async #takeSpare(key: string): Promise<ReadyMachine | null> {
    const spare = await this.#spares.take(key);
    if (!spare?.machine.network || (await spare.machine.network.report()) !== null) return spare;
    await spare.machine.destroy();
    spare.release();
    return null;
  }

  async #makeSpare(
    plan: MachinePlan,
    { network }: StartOptions,
    signals: { readonly urgent: AbortSignal; readonly signal: AbortSignal },
  ): Promise<ReadyMachine> {
    const release = this.#options.environments.hold(plan.environment.digest);
    try {
      const quiet = { onProgress: () => {}, network, ...signals };
      // Making a spare ends no other spare: that would wait for the very machine that is being made.
      const room: Room = { budget: this.#options.budget, freeMemory: (work) => work() };
      const machine = await startMachine(newMachineId(), plan, quiet, room);
      await warmUp(machine, signals.signal);
      return { machine, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #start(id: string, plan: MachinePlan, options: StartOptions): Promise<Machine> {
    return startMachine(id, plan, options, this.room);
  }
}

/** Throws HOST_NOT_ABLE for a saved disk and a process that stands in for a VM. */
function assertBoots({ capabilities }: Backend, { recipe, savedDisk }: InstalledEnvironment): void {
  if (savedDisk === undefined || capabilities.snapshots) return;
  throw new PyroError("HOST_NOT_ABLE", `${recipe.name} is the disk of a VM; a sandboxed process cannot use it.`, {
    details: { missing: "snapshots" },
  });
}

/** Under emulation the first command translates the kernel's code; a spare has done that already. Removes a machine in which it fails. */
async function warmUp(machine: Machine, signal: AbortSignal): Promise<void> {
  try {
    const status = await runBriefly(machine.channel, "true", { signal });
    if (status === null) throw new PyroError("VM_START_FAILED", "A command in the spare VM did not end.");
  } catch (error) {
    await machine.destroy();
    throw error;
  }
}

/** Spares stand in for requests of the same backend, environment, shape and network. */
function spareKindOf({ backend, environment, shape }: MachinePlan, options: StartOptions, share: Share): SpareKind {
  const { vcpuCount, memMib, diskMib, network } = shape;
  const key = [backend.name, environment.digest, vcpuCount, memMib, diskMib].join(" ");
  const name = environment.recipe.name;
  return { key: key + JSON.stringify(options.network), environment: name, vcpuCount, memMib, network, share };
}
