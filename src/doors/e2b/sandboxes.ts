import { PyroError } from "../../contract/errors.js";
import { Builds } from "./builds/builds.js";
import { parseNetwork } from "./control/network.js";
import type { NewSandbox } from "./control/new-sandbox.js";
import type { GatewayHome } from "./home.js";
import { Prepared } from "./prepared.js";
import type { Pyro } from "./pyro.js";
import { notFound, Refusal } from "./answer.js";
import { Sandbox, type SandboxHost } from "./sandbox.js";
import { SandboxFiles } from "./sandbox-files.js";
import { newId, newRecord, newToken, span, type SandboxRecord } from "./sandbox-record.js";
import { createSandboxTask, type TaskFields } from "./sandbox-task.js";
import { findTemplate, SNAPSHOT_PREFIX } from "./templates.js";
import { Timers } from "./timers.js";
import { DEFAULT_USER } from "./version.js";

/** The parts of a gateway that its sandboxes use. */
export interface SandboxesOptions {
  readonly home: GatewayHome;
  readonly pyro: Pyro;
  readonly log: (message: string) => void;
  readonly guestFolder?: string;
  readonly user?: string;
}

const GUEST_FOLDER = "/run/pyro-e2b";
const MAX_SANDBOXES = 1_000;
/** How long a sandbox lives that a request has resumed. */
const RESUMED_SECONDS = 300;
/** How long the gateway waits after a sandbox could not be paused or killed, before it tries again. */
const RETRY_MS = 30_000;

/** All sandboxes of a gateway, with the timers of their ends. */
export class Sandboxes {
  readonly pyro: Pyro;
  readonly builds: Builds;
  /** Where names such as `3000-ID.DOMAIN` lead to the gateway; null until it listens. */
  domain: string | null = null;
  readonly #home: GatewayHome;
  readonly log: (message: string) => void;
  readonly #files: SandboxFiles;
  readonly #prepared: Prepared;
  readonly #host: SandboxHost;
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #timers = new Timers((id) => void this.#expire(id));
  #creating = 0;

  private constructor(
    { home, pyro, log, guestFolder = GUEST_FOLDER, user = DEFAULT_USER }: SandboxesOptions,
    builds: Builds,
  ) {
    this.pyro = pyro;
    this.#prepared = new Prepared(pyro);
    this.builds = builds;
    this.#home = home;
    this.log = log;
    this.#files = new SandboxFiles(home.sandboxes);
    const save = (record: SandboxRecord) => this.#files.save(record);
    const startAgain = async (record: SandboxRecord, environment: string) => {
      const { id, cpuCount, memoryMib, allowInternet, network } = record;
      const taskNetwork = parseNetwork(network, allowInternet);
      const fields = { environment, vcpu_count: cpuCount, mem_mib: memoryMib };
      return (await createSandboxTask(this, id, fields, { taskNetwork, network })).task_id;
    };
    this.#host = { pyro, save, startAgain, guestFolder, user };
  }

  /** Opens those of an earlier gateway: each whose task still exists. */
  static async open(options: SandboxesOptions): Promise<Sandboxes> {
    const sandboxes = new Sandboxes(options, await Builds.open(options.home, options.pyro));
    for await (const record of sandboxes.#files.read(options.pyro, options.log)) {
      const sandbox = new Sandbox(sandboxes.#host, record);
      sandboxes.#sandboxes.set(record.id, sandbox);
      sandboxes.#arm(sandbox);
      if (record.state === "running") sandbox.processes.attachAll();
    }
    return sandboxes;
  }

  /** The path of the user's file of templates. */
  get templates(): string {
    return this.#home.templates;
  }

  list(): readonly Sandbox[] {
    return [...this.#sandboxes.values()].filter(({ isGone }) => !isGone);
  }

  /** Throws 404. */
  find(id: string): Sandbox {
    const sandbox = this.#sandboxes.get(id);
    if (sandbox && !sandbox.isGone) return sandbox;
    throw new Refusal(404, `Sandbox ${id} not found`);
  }

  /** The sandbox of a request to its own side, resumed if it is to be. Throws 502. */
  async reach(id: string): Promise<Sandbox> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox || sandbox.isGone) throw notFound(id);
    await this.wake(sandbox);
    return sandbox;
  }

  /** Resumes a paused sandbox whose creator wanted that. Throws 502 for another one. */
  async wake(sandbox: Sandbox): Promise<void> {
    await sandbox.settled();
    if (sandbox.isGone) throw notFound(sandbox.id);
    if (sandbox.record.state === "running") return;
    // What is saved without its memory waits for its client to connect.
    if (!sandbox.record.autoResume || sandbox.record.savedAs !== undefined) throw notFound(sandbox.id);
    await this.resume(sandbox, RESUMED_SECONDS);
  }

  /** Starts a sandbox. Throws 404 for an unknown template, and 503 without room. */
  async create(wanted: NewSandbox): Promise<Sandbox> {
    if (this.#sandboxes.size + this.#creating >= MAX_SANDBOXES) throw new Refusal(503, "There are too many sandboxes.");
    this.#creating += 1;
    try {
      const id = newId();
      const template = await findTemplate(wanted.templateId, this);
      const create = (fields: TaskFields) => createSandboxTask(this, id, fields, wanted);
      return await this.#add(newRecord(id, wanted, template, await this.#prepared.start(template, create)));
    } finally {
      this.#creating -= 1;
    }
  }

  /** Copies of a running sandbox, with its processes. */
  async fork(parent: Sandbox, count: number, timeoutSeconds: number): Promise<readonly Sandbox[]> {
    const { record } = parent;
    assertHasTask(record);
    const { tasks } = await this.pyro.perform("task.fork", { task_id: record.taskId, count });
    const added = await Promise.allSettled(
      tasks.map(async ({ task_id: taskId }) => {
        const own = { id: newId(), taskId, token: newToken(), ...span(timeoutSeconds) };
        const sandbox = await this.#add({ ...record, ...own, state: "running" });
        sandbox.processes.attachAll();
        return sandbox;
      }),
    );
    const forks = added.filter((each) => each.status === "fulfilled").map(({ value }) => value);
    const failed = added.find((each) => each.status === "rejected");
    if (!failed) return forks;
    await Promise.allSettled(forks.map((sandbox) => this.kill(sandbox)));
    throw failed.reason;
  }

  /** Saves a running sandbox, with its processes, as a template. */
  async snapshot({ record }: Sandbox, name: string): Promise<string> {
    assertHasTask(record);
    await this.pyro.perform("env.save", { source: record.taskId, name: `${SNAPSHOT_PREFIX}${name}` });
    return name;
  }

  async resume(sandbox: Sandbox, timeoutSeconds: number, keepsMemory = true): Promise<boolean> {
    try {
      const isResumed = await sandbox.resume(keepsMemory);
      if (isResumed) this.setEnd(sandbox, Date.now() + timeoutSeconds * 1000);
      return isResumed;
    } catch (error) {
      this.#arm(sandbox, RETRY_MS);
      throw error;
    }
  }

  async pause(sandbox: Sandbox, keepsMemory = true): Promise<void> {
    this.#timers.clear(sandbox.id);
    try {
      await sandbox.pause(keepsMemory);
    } catch (error) {
      this.#arm(sandbox, RETRY_MS);
      throw error;
    }
  }

  setEnd(sandbox: Sandbox, endMs: number): void {
    sandbox.update({ endAt: new Date(endMs).toISOString() });
    this.#arm(sandbox);
  }

  /** Ends a sandbox; also one whose kill has failed. Throws 404. */
  async killById(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) throw new Refusal(404, `Sandbox ${id} not found`);
    await this.kill(sandbox);
  }

  /** When it fails, the sandbox is gone for clients, and the gateway tries again later. */
  async kill(sandbox: Sandbox): Promise<void> {
    const { id } = sandbox;
    this.#timers.clear(id);
    try {
      await sandbox.kill();
    } catch (error) {
      this.#timers.set(id, RETRY_MS);
      throw error;
    }
    this.#timers.clear(id);
    this.#sandboxes.delete(id);
    await this.#files.remove(id);
  }

  /** Leaves all sandboxes running. */
  async close(): Promise<void> {
    this.#timers.close();
    await Promise.all(this.list().map((sandbox) => sandbox.leave()));
  }

  async #add(record: SandboxRecord): Promise<Sandbox> {
    const sandbox = new Sandbox(this.#host, record);
    try {
      sandbox.update({});
    } catch (error) {
      await sandbox.kill();
      throw error;
    }
    this.#sandboxes.set(record.id, sandbox);
    this.#arm(sandbox);
    return sandbox;
  }

  /** Sets the timer of its end, which is not earlier than `leastMs` from now. */
  #arm(sandbox: Sandbox, leastMs = 0): void {
    if (sandbox.isGone) return;
    this.#timers.clear(sandbox.id);
    if (sandbox.record.state !== "running") return;
    this.#timers.set(sandbox.id, Math.max(Date.parse(sandbox.record.endAt) - Date.now(), leastMs));
  }

  async #expire(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    if (!sandbox.isGone && Date.parse(sandbox.record.endAt) > Date.now()) return this.#arm(sandbox);
    try {
      if (!sandbox.isGone && sandbox.record.onTimeout === "pause")
        await this.pause(sandbox, sandbox.record.pausesMemory);
      else await this.kill(sandbox);
    } catch (error) {
      // One that a client has killed meanwhile is at its end.
      if (!this.#sandboxes.has(id)) return;
      this.log(`Sandbox ${sandbox.id} could not be ended: ${PyroError.from(error).message}`);
    }
  }
}

/** Throws 409 for a sandbox of which only the files are left. */
function assertHasTask({ id, savedAs }: SandboxRecord): void {
  if (savedAs === undefined) return;
  throw new Refusal(409, `Sandbox ${id} is paused without its memory. Connect to it first.`);
}
