import { PyroError } from "../../contract/errors.js";
import type { ServerResponse } from "../../host/http.js";
import { notFound, Refusal } from "./answer.js";
import { GuestProgram } from "./guest-program.js";
import { Interpreter } from "./interpreter/program.js";
import { Metrics } from "./metrics.js";
import { Ports } from "./ports.js";
import { ProcessTable } from "./process/table.js";
import type { Pyro } from "./pyro.js";
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

  constructor(host: SandboxHost, record: SandboxRecord) {
    this.#host = host;
    this.record = record;
    this.pyro = {
      perform: async (name, input, options) => {
        if (this.#isGone || this.#isPausing || this.record.state === "paused") throw notFound(this.id);
        return host.pyro.perform(name, input, options);
      },
    };
    this.guest = new GuestProgram(this.pyro, record.taskId, host.guestFolder);
    this.interpreter = new Interpreter(this.pyro, record.taskId, {
      guestFolder: host.guestFolder,
      user: host.user,
      env: () => this.variables,
    });
    this.ports = new Ports(this.pyro, record.taskId, record.id);
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

  /** Saves the sandbox with its processes, and frees its memory. Throws 409 when it is paused. */
  pause(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.record.state === "paused") throw new Refusal(409, `Sandbox ${this.id} is already paused.`);
      this.#isPausing = true;
      try {
        await this.#letGo();
        await this.#host.pyro.perform("task.stop", { task_id: this.record.taskId });
        this.update({ state: "paused", endAt: new Date().toISOString() });
      } finally {
        this.#isPausing = false;
        if (this.record.state === "running" && !this.#isGone) this.processes.attachAll();
      }
    });
  }

  /** Continues a paused sandbox; false when it runs already. */
  resume(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.record.state === "running") return false;
      await this.#host.pyro.perform("task.start", { task_id: this.record.taskId });
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
    try {
      await this.#host.pyro.perform("task.delete", { task_id: this.record.taskId });
    } catch (error) {
      if (PyroError.from(error).code !== "NOT_FOUND") throw error;
    }
  }

  async #letGo(): Promise<void> {
    this.#cutStreams();
    this.processes.detachAll();
    this.watchers.close();
    await Promise.all([this.guest.close(), this.interpreter.close()]);
  }

  #cutStreams(): void {
    for (const response of this.#streams) response.destroy();
    this.#streams.clear();
  }

  #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const next = this.#turn.then(async () => {
      if (this.#isGone) throw new Refusal(404, `Sandbox ${this.id} not found`);
      return work();
    });
    this.#turn = next.catch(() => {});
    return next;
  }
}
