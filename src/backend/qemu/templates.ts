import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import type { InstalledEnvironment } from "../../environments/cache.js";
import type { ControlGroups } from "../../host/control-groups.js";
import { assertFreeSpace } from "../../host/disk.js";
import { mkdir, readdir, rename, rm, syncDirectory } from "../../host/files.js";
import type { Log } from "../../host/log.js";
import { SharedWork } from "../../host/shared-work.js";
import { newTemporaryName, sweepTemporaries } from "../../host/temporary.js";
import type { PrepareOptions, PruneReport, VmShape } from "../backend.js";
import { prunePrepared } from "../prune.js";
import type { Accelerator, AcceleratorChoice } from "./accelerator.js";
import { linkBaseTemplates } from "./base-templates.js";
import { DISK_RESERVE_MIB, findReason } from "./free-space.js";
import { freezeTemplate } from "./freeze.js";
import type { GateProgram } from "./gate.js";
import { requireGate } from "./network-able.js";
import {
  computeTemplateKey,
  readIdentity,
  readTemplateRecord,
  type Template,
  type TemplateInputs,
} from "./template.js";
import type { Toolchain } from "./toolchain.js";

export interface TemplatesOptions {
  /** PYRO_HOME. */
  readonly homePath: string;
  /** The directory for sockets. */
  readonly runtimePath: string;
  readonly agentPath: string;
  readonly gatePath: string | null;
  readonly keeperPath: string;
  readonly groups: ControlGroups;
  /** PYRO_BASE: a home whose templates are used too; null for none. */
  readonly basePath?: string | null;
  readonly log: Log;
}

/** The programs that the next VM uses, and what accelerates them. */
interface QemuNow {
  readonly toolchain: Toolchain;
  readonly choice: AcceleratorChoice;
}

/** The templates of one home: each is built once for all callers at the same time, and found again later. */
export class Templates {
  readonly path: string;
  readonly #options: TemplatesOptions;
  readonly #building = new SharedWork<Template, string>();

  constructor(options: TemplatesOptions) {
    this.#options = options;
    this.path = join(options.homePath, "templates");
  }

  /** Clears half templates that a killed daemon left, and adds those of the base. */
  async open(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await sweepTemporaries(this.path);
    // Half checkpoints. Another home's daemon that shares the templates may remove one meanwhile.
    for (const key of await readdir(this.path)) await sweepTemporaries(join(this.path, key)).catch(() => {});
    if (this.#options.basePath) await linkBaseTemplates(this.path, this.#options.basePath);
  }

  prune(isHeld: (environmentDigest: string) => boolean, dryRun: boolean): Promise<PruneReport> {
    const path = this.path;
    const environmentOf = async (name: string) =>
      (await readTemplateRecord(join(path, name)))?.environment_digest ?? null;
    return prunePrepared({ path, kind: "template", environmentOf, isHeld, dryRun });
  }

  #gate(shape: VmShape): Promise<GateProgram> | null {
    return shape.network ? requireGate(this.#options.gatePath) : null;
  }

  /** The template for this environment and shape: an existing one, or one built once for all callers. KVM falls back to emulation. */
  async get(
    { toolchain, choice }: QemuNow,
    environment: InstalledEnvironment,
    shape: VmShape,
    options: PrepareOptions,
  ): Promise<Template> {
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
    const directory = join(this.path, key);
    const identity = await readIdentity(directory);
    if (identity !== null) return { key, directory, accelerator, identity };
    return this.#building.join(key, options, (shared) => this.#build({ key, directory, accelerator }, inputs, shared));
  }

  async #build(
    template: Omit<Template, "identity">,
    inputs: TemplateInputs,
    options: PrepareOptions,
  ): Promise<Template> {
    await assertFreeSpace(this.path, inputs.shape.memMib + DISK_RESERVE_MIB, "A template");
    const started = performance.now();
    const name = randomBytes(6).toString("hex");
    const temporary = join(this.path, newTemporaryName());
    const runDirectory = join(this.#options.runtimePath, `tp-${name}`);
    // Open to the unprivileged user that QEMU becomes; the home above it is not.
    await mkdir(temporary, { mode: 0o755 });
    try {
      await freezeTemplate(inputs, temporary, runDirectory, options);
      // Another home's daemon that shares the templates may have been quicker.
      if ((await readIdentity(template.directory)) === null) {
        await rm(template.directory, { recursive: true, force: true });
        await rename(temporary, template.directory);
        await syncDirectory(this.path);
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
