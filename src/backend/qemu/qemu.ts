import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import type { InstalledEnvironment } from "../../environments/cache.js";
import { Channel } from "../../guest/channel.js";
import {
  assertRoom,
  chmod,
  chown,
  copyFile,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  syncDirectory,
} from "../../host/files.js";
import type { Log } from "../../host/log.js";
import { SharedWork } from "../../host/shared-work.js";
import { connectUnixWhenReady } from "../../host/socket.js";
import type {
  Accelerator,
  Backend,
  BackendCapabilities,
  Diagnosis,
  Machine,
  PrepareOptions,
  PruneReport,
  VmShape,
} from "../backend.js";
import { prunePrepared } from "../prune.js";
import { AcceleratorChoice } from "./accelerator.js";
import { buildQemuArgs, inJail } from "./argv.js";
import { diagnoseQemu } from "./diagnose.js";
import { freezeTemplate } from "./freeze.js";
import { Qmp } from "./qmp.js";
import {
  computeTemplateKey,
  isIntact,
  readTemplateRecord,
  templateFiles,
  type Template,
  type TemplateInputs,
} from "./template.js";
import { findToolchain, type Toolchain } from "./toolchain.js";
import { VmProcess } from "./vm-process.js";

export interface QemuBackendOptions {
  /** PYRO_HOME: templates and VMs live beneath it. */
  readonly homePath: string;
  /** Where sockets go. */
  readonly runtimePath: string;
  readonly agentPath: string;
  /** PYRO_ACCEL. */
  readonly preference: string | undefined;
  readonly log: Log;
}

/** Below this much free disk nothing is started: a VM whose disk fills the host's fails in ways that nobody understands. */
const DISK_RESERVE_MIB = 64;
const CLONE_DEADLINE_MS = 20_000;

const capabilities: BackendCapabilities = {
  executionMode: "guest",
  ownKernel: true,
  network: false,
  survivesDaemon: false,
};

/** Real VMs: each a QEMU of its own in a jail, cloned from a template that was booted once. */
export class QemuBackend implements Backend {
  readonly capabilities = capabilities;
  readonly #options: QemuBackendOptions;
  readonly #templatesPath: string;
  readonly #vmsPath: string;
  readonly #building = new SharedWork<Template, string>();
  #toolchain: Promise<Toolchain> | null = null;
  #choice: AcceleratorChoice | null = null;

  private constructor(options: QemuBackendOptions) {
    this.#options = options;
    this.#templatesPath = join(options.homePath, "templates");
    this.#vmsPath = join(options.homePath, "vms");
  }

  /** Opens it and clears what a killed daemon left: half templates, and VMs that died with it. */
  static async open(options: QemuBackendOptions): Promise<QemuBackend> {
    const backend = new QemuBackend(options);
    await mkdir(backend.#templatesPath, { recursive: true, mode: 0o700 });
    await mkdir(backend.#vmsPath, { recursive: true, mode: 0o700 });
    for (const name of await readdir(backend.#templatesPath)) {
      if (name.startsWith("tmp-")) await rm(join(backend.#templatesPath, name), { recursive: true, force: true });
    }
    for (const name of await readdir(backend.#vmsPath))
      await rm(join(backend.#vmsPath, name), { recursive: true, force: true });
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

  diagnose(): Promise<Diagnosis> {
    return diagnoseQemu(this);
  }

  prune(isHeld: (environmentDigest: string) => boolean): Promise<PruneReport> {
    const path = this.#templatesPath;
    const environmentOf = async (name: string) =>
      (await readTemplateRecord(join(path, name)))?.environment_digest ?? null;
    return prunePrepared({ path, kind: "template", environmentOf, isHeld });
  }

  /** The programs it uses. Throws HOST_NOT_ABLE; what is missing is looked for again next time. */
  toolchain(): Promise<Toolchain> {
    this.#toolchain ??= findToolchain().catch((error: unknown) => {
      this.#toolchain = null;
      throw error;
    });
    return this.#toolchain;
  }

  async accelerators(): Promise<AcceleratorChoice> {
    const { homePath, preference } = this.#options;
    this.#choice ??= new AcceleratorChoice(homePath, await this.toolchain(), preference);
    return this.#choice;
  }

  async prepare(environment: InstalledEnvironment, shape: VmShape, options: PrepareOptions): Promise<void> {
    await this.#template(environment, shape, options);
  }

  async start(
    id: string,
    environment: InstalledEnvironment,
    shape: VmShape,
    options: PrepareOptions,
  ): Promise<Machine> {
    const template = await this.#template(environment, shape, options);
    return this.#clone(id, template, environment, shape, options.signal);
  }

  /** The template for this environment and shape: found, or built once for all who ask. KVM falls back to emulation. */
  async #template(environment: InstalledEnvironment, shape: VmShape, options: PrepareOptions): Promise<Template> {
    const choice = await this.accelerators();
    const accelerator = await choice.current();
    try {
      const template = await this.#templateOn(accelerator, environment, shape, options);
      if (accelerator === "kvm") await this.#confirmKvm(choice);
      return template;
    } catch (error) {
      if (accelerator !== "kvm" || choice.forced || options.signal.aborted) throw error;
      await choice.learn(false, `a template did not boot on it: ${PyroError.from(error).message}`);
      this.#options.log.warn({ err: error }, "kvm is not used any more");
      return this.#templateOn("tcg", environment, shape, options);
    }
  }

  async #confirmKvm(choice: AcceleratorChoice): Promise<void> {
    if ((await choice.kvmVerdict()).usable === null) await choice.learn(true, "a template booted on it");
  }

  async #templateOn(
    accelerator: Accelerator,
    environment: InstalledEnvironment,
    shape: VmShape,
    options: PrepareOptions,
  ): Promise<Template> {
    const { agentPath } = this.#options;
    const inputs: TemplateInputs = { toolchain: await this.toolchain(), accelerator, shape, environment, agentPath };
    const key = await computeTemplateKey(inputs);
    const directory = join(this.#templatesPath, key);
    const template: Template = { key, directory, accelerator };
    if (await isIntact(directory)) return template;
    return this.#building.join(key, options, (shared) => this.#build(template, inputs, shared));
  }

  async #build(template: Template, inputs: TemplateInputs, options: PrepareOptions): Promise<Template> {
    await assertRoom(this.#templatesPath, inputs.shape.memMib + DISK_RESERVE_MIB, "A template");
    const started = performance.now();
    const name = randomBytes(6).toString("hex");
    const temporary = join(this.#templatesPath, `tmp-${name}`);
    const runDirectory = join(this.#options.runtimePath, `tp-${name}`);
    // Open to the unprivileged user that QEMU becomes; the home above it is not.
    await mkdir(temporary, { mode: 0o755 });
    try {
      await freezeTemplate(inputs, temporary, runDirectory, options);
      await rm(template.directory, { recursive: true, force: true });
      await rename(temporary, template.directory);
      await syncDirectory(this.#templatesPath);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    const ms = Math.round(performance.now() - started);
    this.#options.log.info({ key: template.key, accelerator: template.accelerator, ms }, "template frozen");
    return template;
  }

  async #clone(
    id: string,
    template: Template,
    environment: InstalledEnvironment,
    shape: VmShape,
    signal: AbortSignal,
  ): Promise<Machine> {
    await assertRoom(this.#vmsPath, DISK_RESERVE_MIB, "A VM");
    const toolchain = await this.toolchain();
    const vmDirectory = join(this.#vmsPath, id);
    await mkdir(vmDirectory, { mode: 0o755 });
    const scratch = join(vmDirectory, "scratch");
    const state = await open(join(template.directory, templateFiles.state), "r");
    let process: VmProcess | null = null;
    const remove = async () => {
      await process?.kill();
      await rm(vmDirectory, { recursive: true, force: true });
    };
    try {
      await copyFile(join(template.directory, templateFiles.overlay), scratch);
      await chmod(scratch, 0o600);
      if (toolchain.dropTo) await chown(scratch, toolchain.dropTo.uid, toolchain.dropTo.gid);
      process = await VmProcess.start({
        toolchain,
        accelerator: template.accelerator,
        qemuArgs: buildQemuArgs({ accelerator: template.accelerator, shape }, "clone"),
        mounts: [
          [environment.rootPath, inJail.root, false],
          [template.directory, inJail.template, false],
          ...(toolchain.qemuMajor < 9
            ? [[join(template.directory, templateFiles.ram), inJail.ram, true] as const]
            : []),
          [vmDirectory, inJail.vm, true],
        ],
        runDirectory: join(this.#options.runtimePath, id),
        stateFd: state.fd,
      });
      const channel = await process.during(this.#wakeClone(process, signal));
      return this.#machine(id, process, channel, template.accelerator, remove);
    } catch (error) {
      await remove();
      throw error;
    } finally {
      await state.close();
    }
  }

  /** Loads the template's state and meets the agent, both at once: the agent's greeting waits in the socket until it runs. */
  async #wakeClone(process: VmProcess, signal: AbortSignal): Promise<Channel> {
    const agent = connectUnixWhenReady(process.agentSocket, CLONE_DEADLINE_MS, signal).then((socket) =>
      Channel.open(socket, { deadlineMs: CLONE_DEADLINE_MS, signal }),
    );
    agent.catch(() => {});
    const qmp = await Qmp.open(process.qmpSocket, CLONE_DEADLINE_MS, signal);
    try {
      await Promise.all([
        qmp.execute("migrate-set-capabilities", { capabilities: [{ capability: "x-ignore-shared", state: true }] }),
        qmp.execute("migrate-incoming", { uri: "fd:3" }),
      ]);
      return await agent;
    } finally {
      qmp.close();
    }
  }

  #machine(
    id: string,
    process: VmProcess,
    channel: Channel,
    accelerator: Accelerator,
    remove: () => Promise<void>,
  ): Machine {
    let destroyed: Promise<void> | null = null;
    return {
      id,
      executionMode: "guest",
      accelerator,
      channel,
      died: process.ended,
      destroy: () => {
        channel.close();
        destroyed ??= remove();
        return destroyed;
      },
    };
  }
}
