import { cutConnection } from "../../host/http-server.js";
import type { ServerResponse } from "../../host/http.js";
import { notFound, Refusal } from "./answer.js";
import { GuestProgram } from "./guest-program.js";
import { Interpreter } from "./interpreter/program.js";
import { Metrics } from "./metrics.js";
import { Ports } from "./ports.js";
import { ProcessTable } from "./process/table.js";
import type { Pyro } from "./pyro.js";
import { deleteTask, removeFiles, saveFiles } from "./saved-files.js";
import type { SandboxRecord } from "./sandbox-record.js";
import { Watchers } from "./files/watchers.js";

/** The part of the gateway that a sandbox uses. */
export interface SandboxHost {
  readonly pyro: Pyro;
  /** The directory of guests for the gateway's programs, and the user that runs code; tests have others. */
  readonly guestFolder: string;
  readonly user: string;
  /** Writes the record to disk. */
  save(record: SandboxRecord): void;
  /** Starts a task for the sandbox from the files that were saved. Returns its id. */
  startAgain(record: SandboxRecord, environment: string): Promise<string>;
}

/** A sandbox: a task, and what the gateway knows about it. */
export class Sandbox {
  record: SandboxRecord;
  readonly guest: GuestProgram;
  readonly interpreter: Interpreter;
  readonly ports: Ports;
  readonly processes: ProcessTable;
  readonly watchers: Watchers;
  readonly metrics: Metrics;
  /** Requests for its task. They fail with 502 while it is paused: pyro starts a stopped task for a request. */
  readonly pyro: Pyro;
  readonly #host: SandboxHost;
  /** Answers that last as long as their sandbox runs. */
  readonly #streams = new Set<ServerResponse>();
  #turn: Promise<unknown> = Promise.resolve();
  #isPausing = false;
  #isGone = false;
  #killing: Promise<void> | null = null;
  /** Resolves when no task is being made for it. */
  #booting: Promise<unknown> = Promise.resolve();

  constructor(host: SandboxHost, record: SandboxRecord) {
    this.#host = host;
    this.record = record;
    this.pyro = {
      perform: async (name, input, options) => {
        if (this.#isGone || this.#isPausing || this.record.state === "paused") throw notFound(this.id);
        return host.pyro.perform(name, input, options);
      },
    };
    this.guest = new GuestProgram(this.pyro, this, host.guestFolder);
    this.interpreter = new Interpreter(this.pyro, this, {
      guestFolder: host.guestFolder,
      user: host.user,
      env: () => this.variables,
    });
    this.ports = new Ports(this.pyro, this);
    this.processes = new ProcessTable(this.pyro, this);
    this.watchers = new Watchers(this.guest);
    this.metrics = new Metrics(this.guest);
  }

  get id(): string {
    return this.record.id;
  }

  /** Variables of all programs in it. */
  get variables(): Readonly<Record<string, string>> {
    const { id, templateId, envVars } = this.record;
    return { E2B_SANDBOX: "true", E2B_SANDBOX_ID: id, E2B_TEMPLATE_ID: templateId, ...envVars };
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** For clients, one that is being paused is paused. */
  get state(): SandboxRecord["state"] {
    return this.#isPausing ? "paused" : this.record.state;
  }

  /** Resolves when no pause or resume is under way. */
  async settled(): Promise<void> {
    let turn: Promise<unknown>;
    do {
      turn = this.#turn;
      await turn;
    } while (turn !== this.#turn);
  }

  /** Changes fields of the record, and writes it. */
  update(fields: Partial<SandboxRecord>): void {
    this.record = { ...this.record, ...fields };
    if (!this.#isGone) this.#host.save(this.record);
  }

  /** Cuts the connection of this answer when the sandbox is paused or killed. */
  keepStream(response: ServerResponse): void {
    this.#streams.add(response);
    response.once("close", () => this.#streams.delete(response));
  }

  /** Saves the sandbox, with its processes or its files alone, and frees its memory. Throws 409 when it is paused. */
  pause(keepsMemory: boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (this.record.state === "paused") throw new Refusal(409, `Sandbox ${this.id} is already paused.`);
      this.#isPausing = true;
      try {
        await this.#letGo();
        if (keepsMemory) {
          await this.#host.pyro.perform("task.stop", { task_id: this.record.taskId });
          this.update({ state: "paused", endAt: new Date().toISOString() });
        } else await this.#keepFilesAlone();
      } finally {
        this.#isPausing = false;
        if (this.record.state === "running" && !this.#isGone) this.processes.attachAll();
      }
    });
  }

  /** Continues a paused sandbox, or boots it from its files; false when it runs already. */
  resume(keepsMemory: boolean): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.record.state === "running") return false;
      if (!keepsMemory && this.record.savedAs === undefined) await this.#keepFilesAlone();
      const { savedAs, taskId } = this.record;
      if (savedAs !== undefined) {
        await this.#boot(savedAs);
        return true;
      }
      await this.#host.pyro.perform("task.start", { task_id: taskId });
      try {
        this.update({ state: "running" });
      } finally {
        this.processes.attachAll();
      }
      return true;
    });
  }

  /** Ends it. Its streams are cut first, so that clients that ask then are told that it is gone. One that failed can be called again. */
  kill(): Promise<void> {
    this.#isGone = true;
    this.#cutStreams();
    this.processes.detachAll();
    return (this.#killing ??= this.#deleteTask().finally(() => (this.#killing = null)));
  }

  /** Leaves it running: the gateway ends. */
  async leave(): Promise<void> {
    this.#cutStreams();
    this.processes.detachAll();
    await Promise.all([this.guest.close(), this.interpreter.close()]);
  }

  async #deleteTask(): Promise<void> {
    await this.#booting;
    const { taskId, savedAs, bootedFrom } = this.record;
    await deleteTask(this.#host.pyro, taskId);
    for (const name of [savedAs, bootedFrom]) if (name !== undefined) await removeFiles(this.#host.pyro, name);
  }

  /** From here on it is paused, and its processes are gone. */
  async #keepFilesAlone(): Promise<void> {
    const { pyro } = this.#host;
    const { taskId, bootedFrom } = this.record;
    const savedAs = await saveFiles(pyro, this.record);
    if (this.#isGone) {
      // It was killed meanwhile, which knew nothing of these files.
      return removeFiles(pyro, savedAs);
    }
    this.update({ state: "paused", endAt: new Date().toISOString(), savedAs });
    await this.processes.loseAll();
    await deleteTask(pyro, taskId);
    if (bootedFrom !== undefined) await removeFiles(pyro, bootedFrom);
  }

  async #boot(savedAs: string): Promise<void> {
    // Of a pause that was cut short: its name is taken until then.
    await deleteTask(this.#host.pyro, this.record.taskId);
    const starting = this.#host.startAgain(this.record, savedAs);
    this.#booting = starting.catch(() => {});
    const taskId = await starting;
    this.ports.forget();
    const { savedAs: _, ...rest } = this.record;
    this.record = rest;
    this.update({ taskId, state: "running", bootedFrom: savedAs });
  }

  async #letGo(): Promise<void> {
    this.#cutStreams();
    this.processes.detachAll();
    this.watchers.close();
    await Promise.all([this.guest.close(), this.interpreter.close()]);
  }

  #cutStreams(): void {
    // One that is ended is about to leave. Its connection may have the next request already.
    for (const response of this.#streams) if (!response.writableEnded) cutConnection(response);
    this.#streams.clear();
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const assertThere = () => {
      if (this.#isGone) throw new Refusal(404, `Sandbox ${this.id} not found`);
    };
    const next = this.#turn.then(async () => {
      assertThere();
      // A kill ends the work. Whether it has failed or not, the sandbox is gone then.
      return work().finally(assertThere);
    });
    this.#turn = next.catch(() => {});
    return next;
  }
}
