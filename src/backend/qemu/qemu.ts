import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import type { InstalledEnvironment } from "../../environments/cache.js";
import { mkdir } from "../../host/files.js";
import { hasIpv6, readResolvers } from "../../host/network.js";
import { readAddedCertificates } from "../../host/trust.js";
import type {
  Backend,
  BackendCapabilities,
  Diagnosis,
  Engine,
  KeptDisk,
  FoundMachine,
  Machine,
  MachineHandle,
  NetworkRequest,
  Problem,
  PruneReport,
  SavedMachine,
  StartOptions,
  VmShape,
} from "../backend.js";
import type { InstalledToolchain } from "../../toolchain/installed.js";
import { AcceleratorChoice } from "./accelerator.js";
import { adoptClone, sweepClones } from "./adopt.js";
import { Checkpoints, type IsAllowed } from "./checkpoints.js";
import { cloneTemplate } from "./clone.js";
import type { CloneNetwork, ClonePlace, CloneSource } from "./start-clone.js";
import { describeEngine, diagnoseQemu } from "./diagnose.js";
import { keepDisk } from "./kept-disk.js";
import { openDisk } from "./read-disk.js";
import { handleSchema, QEMU } from "./presence.js";
import { countMemoryMib } from "./memory.js";
import { tryMemory } from "./memory-access.js";
import { assertFewAuthorities, requireGate, tryNetwork } from "./network-able.js";
import { planNetwork } from "./network.js";
import { findTemplate, originSchema, requireTemplate } from "./origin.js";
import { packDisk } from "./saved-disk.js";
import { findToolchain, isUnchanged, type Toolchain } from "./toolchain.js";
import { Templates, type TemplatesOptions } from "./templates.js";

export interface QemuBackendOptions extends TemplatesOptions {
  readonly preloadPath: string;
  /** pyro-checkpoint and pyro-restore. */
  readonly checkpointPath: string;
  readonly restorePath: string;
  /** The helper that copies the memory of snapshots. */
  readonly pagesPath: string;
  /** pyro-enclose, where the container that pyro runs in is the jail; null where bubblewrap makes it. */
  readonly enclosePath?: string | null;
  /** Whether the limits have room for a VM that no caller waits for; by default there are none. */
  readonly isAllowed?: IsAllowed;
  /** PYRO_ACCEL. */
  readonly preference: string | undefined;
  /** The private toolchain to use now; null for the host's QEMU. */
  readonly privateToolchain?: () => Promise<InstalledToolchain | null>;
}

const capabilities: BackendCapabilities = {
  executionMode: "guest",
  network: true,
  snapshots: true,
};

/** Real VMs: each a QEMU of its own in a jail, cloned from a template that was booted once. */
export class QemuBackend implements Backend {
  readonly name = QEMU;
  readonly capabilities = capabilities;
  readonly #options: QemuBackendOptions;
  readonly #templates: Templates;
  readonly #place: ClonePlace;
  readonly #checkpoints: Checkpoints;
  #toolchain: Promise<Toolchain> | null = null;
  #choice: { readonly toolchain: Toolchain; readonly choice: AcceleratorChoice } | null = null;

  private constructor(options: QemuBackendOptions) {
    this.#options = options;
    this.#templates = new Templates(options);
    const { homePath, runtimePath, keeperPath, preloadPath, restorePath, pagesPath, groups } = options;
    const snapshots = { templatesPath: this.#templates.path, pagesPath };
    const programs = { keeperPath, preloadPath, restorePath };
    this.#place = { vmsPath: join(homePath, "vms"), runtimePath, ...programs, groups, snapshots };
    this.#checkpoints = new Checkpoints(this.#place, options, options.isAllowed ?? (() => true), options.log);
  }

  /** Opens it and clears half templates that a killed daemon left. */
  static async open(options: QemuBackendOptions): Promise<QemuBackend> {
    const backend = new QemuBackend(options);
    await backend.#templates.open();
    await mkdir(backend.#place.vmsPath, { recursive: true, mode: 0o700 });
    return backend;
  }

  async check(): Promise<PyroError | null> {
    try {
      await this.toolchain();
      return null;
    } catch (error) {
      return PyroError.from(error);
    }
  }

  async engine(): Promise<Engine | null> {
    const toolchain = await this.toolchain().catch(() => null);
    return toolchain && describeEngine(toolchain);
  }

  diagnose(): Promise<Diagnosis> {
    return diagnoseQemu(this);
  }

  prune(isHeld: (environmentDigest: string) => boolean, dryRun: boolean): Promise<PruneReport> {
    return this.#templates.prune(isHeld, dryRun);
  }

  /** The programs to use now. Finds them again when they were replaced. Throws HOST_NOT_ABLE. */
  async toolchain(): Promise<Toolchain> {
    // A container's QEMU is the one of its image.
    const own = this.#options.enclosePath ? null : ((await this.#options.privateToolchain?.()) ?? null);
    const searching = this.#toolchain;
    const known = await searching?.catch(() => null);
    if (known && (await isUnchanged(known, own))) return known;
    const { keeperPath, enclosePath } = this.#options;
    if (this.#toolchain === searching) this.#toolchain = findToolchain(keeperPath, own, enclosePath);
    return this.#toolchain!;
  }

  async accelerators(): Promise<AcceleratorChoice> {
    return this.#choose(await this.toolchain());
  }

  #choose(toolchain: Toolchain): AcceleratorChoice {
    const { homePath, preference } = this.#options;
    if (this.#choice?.toolchain !== toolchain) {
      this.#choice = { toolchain, choice: new AcceleratorChoice(homePath, toolchain, preference) };
    }
    return this.#choice.choice;
  }

  async countMemoryMib({ memMib }: VmShape): Promise<number> {
    return countMemoryMib(memMib, await (await this.accelerators()).current());
  }

  async start(id: string, environment: InstalledEnvironment, shape: VmShape, options: StartOptions): Promise<Machine> {
    const network = options.network && (await this.#network(id, options.network));
    // The toolchain is read once for both, since a template is for the QEMU that made it.
    const toolchain = await this.toolchain();
    const template = await this.#templates.get(
      { toolchain, choice: this.#choose(toolchain) },
      environment,
      shape,
      options,
    );
    options.onStage?.("template");
    const { rootPath } = environment;
    const source = { toolchain, template, sendsMail: true, rootPath, shape, network, snapshot: null };
    return this.#clone(id, source, options);
  }

  /**
   * Continues the template's checkpoint where there is one, and has one made where there is none. A checkpoint is at fault only when a QEMU
   * of its own can start.
   */
  async #clone(id: string, source: CloneSource, options: StartOptions): Promise<Machine> {
    const checkpoint = await this.#checkpoints.find(source);
    let failure: unknown = null;
    try {
      if (checkpoint !== null) return await cloneTemplate(this.#place, id, source, checkpoint, options);
    } catch (error) {
      if (options.signal.aborted) throw error;
      failure = error;
    }
    const machine = await cloneTemplate(this.#place, id, source, null, options);
    if (checkpoint !== null) await this.#checkpoints.giveUp(source, checkpoint, failure);
    this.#checkpoints.want(source);
    return machine;
  }

  async checkSnapshot(saved: SavedMachine): Promise<PyroError | null> {
    try {
      await this.#templateOf(saved, await this.toolchain());
      return null;
    } catch (error) {
      return PyroError.from(error);
    }
  }

  async resume(id: string, saved: SavedMachine, options: StartOptions): Promise<Machine> {
    const network = options.network && (await this.#network(id, options.network));
    const toolchain = await this.toolchain();
    const { template, sendsMail } = await this.#templateOf(saved, toolchain);
    options.onStage?.("template");
    const { environment, shape, directory, whole } = saved;
    const snapshot = { directory, whole };
    const source = { toolchain, template, sendsMail, rootPath: environment.rootPath, shape, network, snapshot };
    return cloneTemplate(this.#place, id, source, null, options);
  }

  async packDisk({ handle, directory }: SavedMachine, to: string, signal: AbortSignal): Promise<void> {
    const template = await findTemplate(this.#templates.path, originSchema.parse(handle));
    await packDisk(await this.toolchain(), template, directory, to, signal);
  }

  #templateOf({ handle, shape }: SavedMachine, toolchain: Toolchain) {
    return requireTemplate(this.#templates.path, originSchema.parse(handle), toolchain, shape);
  }

  adopt(id: string, handle: MachineHandle): Promise<FoundMachine | null> {
    return adoptClone(this.#place, id, handle);
  }

  async keepDisk(id: string, handle: MachineHandle, into: string): Promise<void> {
    const parsed = handleSchema.safeParse(handle);
    if (parsed.success) await keepDisk(join(this.#place.vmsPath, id), parsed.data.origin, into);
  }

  async openDisk(id: string, disk: KeptDisk, signal: AbortSignal): Promise<Machine> {
    const toolchain = await this.toolchain();
    const choice = this.#choose(toolchain);
    const accelerator = await choice.current();
    const bootDeadlineMs = await choice.bootDeadlineMs();
    const { agentPath } = this.#options;
    return openDisk(this.#place, id, disk, { toolchain, accelerator, bootDeadlineMs, agentPath }, signal);
  }

  close(): Promise<void> {
    return this.#checkpoints.close();
  }

  sweep(isStray: (id: string) => boolean): Promise<void> {
    return sweepClones(this.#place, isStray);
  }

  /** Why a VM can have no network here; null when it can. Tries it. */
  networkProblem(): Promise<Problem | null> {
    return tryNetwork(this.#options.gatePath);
  }

  /** Why no VM can become a snapshot here; null when it can. Tries it. */
  async snapshotProblem(): Promise<Problem | null> {
    return tryMemory(await this.toolchain(), this.#options.pagesPath);
  }

  async #network(id: string, request: NetworkRequest): Promise<CloneNetwork> {
    const program = await requireGate(this.#options.gatePath);
    const hostCa = request.hostCaFiles === null ? [] : await readAddedCertificates(request.hostCaFiles);
    assertFewAuthorities(hostCa);
    const host = { resolvers: await readResolvers(), hasIpv6: hasIpv6(), hostCa };
    return { program, plan: planNetwork(id, request, host), request };
  }
}
