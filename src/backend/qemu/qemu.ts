import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import type { InstalledEnvironment } from "../../environments/cache.js";
import type { ControlGroups } from "../../host/control-groups.js";
import { mkdir, rename, rm, syncDirectory } from "../../host/files.js";
import { assertFreeSpace } from "../../host/disk.js";
import { hasIpv6, readResolvers } from "../../host/network.js";
import type { Log } from "../../host/log.js";
import { SharedWork } from "../../host/shared-work.js";
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
  PrepareOptions,
  PruneReport,
  SavedMachine,
  StartOptions,
  VmShape,
} from "../backend.js";
import type { Accelerator } from "./accelerator.js";
import type { InstalledToolchain } from "../../toolchain/installed.js";
import { prunePrepared } from "../prune.js";
import { newTemporaryName, sweepTemporaries } from "../../host/temporary.js";
import { AcceleratorChoice } from "./accelerator.js";
import { adoptClone, sweepClones } from "./adopt.js";
import { cloneTemplate, type CloneNetwork, type ClonePlace } from "./clone.js";
import { describeEngine, diagnoseQemu } from "./diagnose.js";
import { freezeTemplate } from "./freeze.js";
import type { GateProgram } from "./gate.js";
import { keepDisk } from "./kept-disk.js";
import { openDisk } from "./read-disk.js";
import { handleSchema, QEMU } from "./presence.js";
import { countMemoryMib } from "./memory.js";
import { tryMemory } from "./memory-access.js";
import { assertFewAuthorities, requireGate, tryNetwork } from "./network-able.js";
import { planNetwork } from "./network.js";
import { originSchema, requireTemplate } from "./origin.js";
import { DISK_RESERVE_MIB, findReason } from "./free-space.js";
import {
  computeTemplateKey,
  readIdentity,
  readTemplateRecord,
  type Template,
  type TemplateInputs,
} from "./template.js";
import { findToolchain, isUnchanged, type Toolchain } from "./toolchain.js";

export interface QemuBackendOptions {
  /** PYRO_HOME: templates and VMs live beneath it. */
  readonly homePath: string;
  /** Where sockets go. */
  readonly runtimePath: string;
  readonly agentPath: string;
  readonly gatePath: string;
  readonly keeperPath: string;
  readonly preloadPath: string;
  /** The helper that copies the memory of snapshots. */
  readonly pagesPath: string;
  /** PYRO_ACCEL. */
  readonly preference: string | undefined;
  readonly groups: ControlGroups;
  /** The private toolchain to use now; null for the host's QEMU. */
  readonly privateToolchain?: () => Promise<InstalledToolchain | null>;
  readonly log: Log;
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
  readonly #templatesPath: string;
  readonly #place: ClonePlace;
  readonly #building = new SharedWork<Template, string>();
  #toolchain: Promise<Toolchain> | null = null;
  #choice: { readonly toolchain: Toolchain; readonly choice: AcceleratorChoice } | null = null;

  private constructor(options: QemuBackendOptions) {
    this.#options = options;
    this.#templatesPath = join(options.homePath, "templates");
    const { homePath, runtimePath, keeperPath, preloadPath, pagesPath, groups } = options;
    const snapshots = { templatesPath: this.#templatesPath, pagesPath };
    this.#place = { vmsPath: join(homePath, "vms"), runtimePath, keeperPath, preloadPath, groups, snapshots };
  }

  /** Opens it and clears half templates that a killed daemon left. */
  static async open(options: QemuBackendOptions): Promise<QemuBackend> {
    const backend = new QemuBackend(options);
    await mkdir(backend.#templatesPath, { recursive: true, mode: 0o700 });
    await mkdir(backend.#place.vmsPath, { recursive: true, mode: 0o700 });
    await sweepTemporaries(backend.#templatesPath);
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
    const path = this.#templatesPath;
    const environmentOf = async (name: string) =>
      (await readTemplateRecord(join(path, name)))?.environment_digest ?? null;
    return prunePrepared({ path, kind: "template", environmentOf, isHeld, dryRun });
  }

  /** The programs to use now. Finds them again when they were replaced. Throws HOST_NOT_ABLE. */
  async toolchain(): Promise<Toolchain> {
    const own = (await this.#options.privateToolchain?.()) ?? null;
    const searching = this.#toolchain;
    const known = await searching?.catch(() => null);
    if (known && (await isUnchanged(known, own))) return known;
    if (this.#toolchain === searching) this.#toolchain = findToolchain(own);
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
    // One look for both: a template is for the QEMU that made it.
    const toolchain = await this.toolchain();
    const template = await this.#template(toolchain, environment, shape, options);
    options.onStage?.("template");
    const { rootPath } = environment;
    return cloneTemplate(this.#place, id, { toolchain, template, rootPath, shape, network, snapshot: null }, options);
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
    const template = await this.#templateOf(saved, toolchain);
    options.onStage?.("template");
    const { environment, shape, directory: snapshot } = saved;
    const source = { toolchain, template, rootPath: environment.rootPath, shape, network, snapshot };
    return cloneTemplate(this.#place, id, source, options);
  }

  #templateOf({ handle, shape }: SavedMachine, toolchain: Toolchain): Promise<Template> {
    return requireTemplate(this.#templatesPath, originSchema.parse(handle), toolchain, shape);
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

  #gate(shape: VmShape): Promise<GateProgram> | null {
    return shape.network ? requireGate(this.#options.gatePath) : null;
  }

  /** The template for this environment and shape: an existing one, or one built once for all callers. KVM falls back to emulation. */
  async #template(
    toolchain: Toolchain,
    environment: InstalledEnvironment,
    shape: VmShape,
    options: PrepareOptions,
  ): Promise<Template> {
    const choice = this.#choose(toolchain);
    const accelerator = await choice.current();
    try {
      const deadlineMs = await choice.bootDeadlineMs();
      const template = await this.#templateOn(toolchain, accelerator, deadlineMs, environment, shape, options);
      if (accelerator === "kvm") await this.#confirmKvm(choice);
      return template;
    } catch (error) {
      if (accelerator !== "kvm" || choice.forced || options.signal.aborted) throw error;
      await choice.learn(false, `a template did not boot on it: ${PyroError.from(error).message}`);
      this.#options.log.warn({ err: error }, "kvm is no longer used");
      const deadlineMs = await choice.bootDeadlineMs();
      return this.#templateOn(toolchain, "tcg", deadlineMs, environment, shape, options);
    }
  }

  async #confirmKvm(choice: AcceleratorChoice): Promise<void> {
    if ((await choice.kvmVerdict()).usable === null) await choice.learn(true, "a template booted on it");
  }

  async #templateOn(
    toolchain: Toolchain,
    accelerator: Accelerator,
    bootDeadlineMs: number,
    environment: InstalledEnvironment,
    shape: VmShape,
    options: PrepareOptions,
  ): Promise<Template> {
    const { agentPath, keeperPath, groups } = this.#options;
    const gate = await this.#gate(shape);
    const host = { toolchain, accelerator, bootDeadlineMs, agentPath, keeperPath, groups };
    const inputs: TemplateInputs = { ...host, shape, environment, gate };
    const key = await computeTemplateKey(inputs);
    const directory = join(this.#templatesPath, key);
    const identity = await readIdentity(directory);
    if (identity !== null) return { key, directory, accelerator, identity };
    return this.#building.join(key, options, (shared) => this.#build({ key, directory, accelerator }, inputs, shared));
  }

  async #build(
    template: Omit<Template, "identity">,
    inputs: TemplateInputs,
    options: PrepareOptions,
  ): Promise<Template> {
    await assertFreeSpace(this.#templatesPath, inputs.shape.memMib + DISK_RESERVE_MIB, "A template");
    const started = performance.now();
    const name = randomBytes(6).toString("hex");
    const temporary = join(this.#templatesPath, newTemporaryName());
    const runDirectory = join(this.#options.runtimePath, `tp-${name}`);
    // Open to the unprivileged user that QEMU becomes; the home above it is not.
    await mkdir(temporary, { mode: 0o755 });
    try {
      await freezeTemplate(inputs, temporary, runDirectory, options);
      // Another home's daemon that shares the templates may have been quicker.
      if ((await readIdentity(template.directory)) === null) {
        await rm(template.directory, { recursive: true, force: true });
        await rename(temporary, template.directory);
        await syncDirectory(this.#templatesPath);
      }
    } catch (error) {
      throw options.signal.aborted ? error : await findReason(error, temporary, "Making a template");
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    const ms = Math.round(performance.now() - started);
    this.#options.log.info({ key: template.key, accelerator: template.accelerator, ms }, "template frozen");
    const identity = await readIdentity(template.directory);
    if (identity !== null) return { ...template, identity };
    throw new PyroError("VM_START_FAILED", "The template was changed while it was made.");
  }
}
