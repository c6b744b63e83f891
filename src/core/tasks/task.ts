import type { Machine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { Log } from "../../host/log.js";
import type { Journal } from "../../store/journal.js";
import { writeTaskRecord, type TaskRecord } from "../../store/task-record.js";
import type { Call } from "../core.js";
import { TaskExec, type ExecEnded, type ExecHost } from "./task-exec.js";

export interface TaskParts {
  readonly directory: string;
  readonly record: TaskRecord;
  readonly journal: Journal;
  /** Null when its VM is gone. */
  readonly machine: Machine | null;
  readonly log: Log;
  /** Ends a machine and lets go of its environment. */
  readonly destroy: (machine: Machine) => Promise<void>;
}

const WORKSPACE = "/workspace";
const DELETE_GRACE_MS = 3_000;

/** A persistent VM and everything that ever ran in it. */
export class Task implements ExecHost {
  readonly taskId: string;
  readonly directory: string;
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #destroy: (machine: Machine) => Promise<void>;
  readonly #execs = new Map<number, TaskExec>();
  readonly #calls = new Set<Promise<unknown>>();
  #record: TaskRecord;
  #machine: Machine | null;
  #lastActivity: string;
  #detached = false;

  constructor({ directory, record, journal, machine, log, destroy }: TaskParts) {
    this.taskId = record.task_id;
    this.directory = directory;
    this.#record = record;
    this.#journal = journal;
    this.#log = log;
    this.#destroy = destroy;
    this.#machine = machine;
    this.#lastActivity = record.created_at;
    this.#readJournal();
    if (machine) this.#watch(machine);
  }

  get executionMode(): "guest" | "host_compat" {
    return this.#record.execution_mode;
  }

  isDetached(): boolean {
    return this.#detached;
  }

  get isStarted(): boolean {
    return this.#record.state === "started";
  }

  /** Goes on with what ran when an earlier daemon died; what cannot be found again ends with the reason. */
  async takeOver(): Promise<void> {
    const machine = this.#machine;
    for (const exec of this.#execs.values()) {
      if (!exec.isRunning) continue;
      if (machine) exec.resume(machine);
      else await this.#giveUp(exec);
    }
    if (machine === null) return;
    // Jobs whose end was written down, but of which the agent was not told.
    const running = new Set(
      [...this.#execs.values()].filter((exec) => exec.isRunning).map(({ started }) => started.job),
    );
    for (const job of machine.channel.hello.jobs) {
      if (!running.has(job)) machine.channel.request("release", { job }).catch(() => {});
    }
  }

  /** Starts a command; it is on disk before this resolves. Throws FAILED_PRECONDITION when the task is not started. */
  async exec(input: InputOf<"task.exec">, stdin: Call["stdin"]): Promise<TaskExec> {
    const machine = this.#assertStarted();
    this.#assertRoomForExec();
    const sequence = Math.max(0, ...this.#execs.keys()) + 1;
    const exec = new TaskExec(
      this,
      {
        event: "exec.started",
        sequence,
        job: machine.channel.takeStream(),
        command: input.command,
        cwd: input.cwd,
        timeout_seconds: input.timeout_seconds,
        started_at: new Date().toISOString(),
      },
      null,
    );
    this.#execs.set(sequence, exec);
    try {
      await this.#journal.append(exec.started);
    } catch (error) {
      this.#execs.delete(sequence);
      throw error;
    }
    this.#lastActivity = exec.started.started_at;
    exec.start(machine, input.env, stdin);
    return exec;
  }

  find(sequence: number): TaskExec {
    const exec = this.#execs.get(sequence);
    if (exec) return exec;
    throw new PyroError("NOT_FOUND", `Task ${this.taskId} has no command ${sequence}.`, {
      hint: `It has had ${this.#execs.size}; see \`pyro task logs ${this.taskId}\`.`,
      details: { task_id: this.taskId, sequence },
    });
  }

  /** Remembers a caller's work, so that a delete waits for the caller to be told how it ended. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#calls.add(work);
    try {
      return await work;
    } finally {
      this.#calls.delete(work);
    }
  }

  async recordEnd(ended: ExecEnded): Promise<void> {
    this.#lastActivity = ended.ended_at;
    await this.#journal.append(ended);
  }

  async logs(): Promise<ResultOf<"task.logs">> {
    const entries = [];
    for (const exec of this.#execs.values()) entries.push(await exec.outcome());
    return { task_id: this.taskId, count: entries.length, entries };
  }

  async view(): Promise<ResultOf<"task.status">> {
    const record = this.#record;
    const execs = [...this.#execs.values()];
    const last = execs.at(-1);
    const usage = await this.#machine?.usage();
    return {
      task_id: record.task_id,
      environment: record.environment,
      state: record.state,
      state_reason: record.reason,
      workspace_path: WORKSPACE,
      vcpu_count: record.vcpu_count,
      mem_mib: record.mem_mib,
      disk_mib: record.disk_mib,
      network_enabled: false,
      allow_host_compat: record.allow_host_compat,
      execution_mode: record.execution_mode,
      accelerator: record.accelerator,
      created_at: record.created_at,
      last_activity_at: this.#lastActivity,
      expires_at: this.#expiresAt(),
      command_count: execs.length,
      running_commands: execs.filter((exec) => exec.isRunning).length,
      last_command: last ? { command: last.started.command, exit_code: last.ended?.exit_code ?? null } : null,
      workspace_seed: record.workspace_seed,
      memory_bytes: usage?.memoryBytes ?? null,
      disk_bytes: usage?.diskBytes ?? null,
    };
  }

  /** True when nobody has used it for its time to live. A task in which a command runs is in use. */
  hasExpired(now: number): boolean {
    const expiresAt = this.#expiresAt();
    const isBusy = [...this.#execs.values()].some((exec) => exec.isRunning);
    return expiresAt !== null && !isBusy && now >= Date.parse(expiresAt);
  }

  /** Aborts what runs, lets its callers know, and ends the VM. The files are the caller's to remove. */
  async end(): Promise<void> {
    for (const exec of this.#execs.values()) if (exec.isRunning) exec.cancel();
    const told = Promise.allSettled([...this.#calls, ...[...this.#execs.values()].map(({ done }) => done)]);
    await Promise.race([told, new Promise((resolve) => setTimeout(resolve, DELETE_GRACE_MS).unref())]);
    this.#detached = true;
    const machine = this.#machine;
    this.#machine = null;
    if (machine) await this.#destroy(machine);
    await this.#journal.close();
  }

  /** Lets go of it without ending anything: the next daemon takes over. */
  async detach(): Promise<void> {
    this.#detached = true;
    this.#machine?.channel.close();
    await this.#journal.close();
  }

  async #giveUp(exec: TaskExec): Promise<void> {
    await exec.giveUp(new PyroError("VM_DIED", "The VM ended while the command ran.")).catch((error: unknown) => {
      this.#log.error({ task: this.taskId, err: error }, "the end of a command could not be written");
    });
  }

  #readJournal(): void {
    const { entries } = this.#journal;
    const ends = new Map(entries.flatMap((entry) => (entry.event === "exec.ended" ? [[entry.sequence, entry]] : [])));
    for (const entry of entries) {
      if (entry.event === "exec.started") {
        this.#execs.set(entry.sequence, new TaskExec(this, entry, ends.get(entry.sequence) ?? null));
        this.#lastActivity = entry.started_at;
      } else if (entry.event === "exec.ended") this.#lastActivity = entry.ended_at;
      else if (entry.event === "task.touched") this.#lastActivity = entry.at;
    }
  }

  #expiresAt(): string | null {
    const { ttl_seconds } = this.#record;
    return ttl_seconds === 0 ? null : new Date(Date.parse(this.#lastActivity) + ttl_seconds * 1000).toISOString();
  }

  #assertStarted(): Machine {
    if (this.#machine && this.#record.state === "started") return this.#machine;
    const { state, reason } = this.#record;
    throw new PyroError("FAILED_PRECONDITION", `Task ${this.taskId} is ${state}${reason ? `: ${reason}` : ""}.`, {
      hint: "Its logs can still be read; create another task to go on.",
      details: { task_id: this.taskId, state, reason },
    });
  }

  #assertRoomForExec(): void {
    const running = [...this.#execs.values()].filter((exec) => exec.isRunning).length;
    if (running < limits.runningCommands) return;
    throw new PyroError("RESOURCE_EXHAUSTED", `${running} commands run in task ${this.taskId}, which is the most.`, {
      hint: "Wait for one of them to end.",
      details: { task_id: this.taskId, running, limit: limits.runningCommands },
    });
  }

  /** A VM that dies, or an agent that breaks the protocol, makes the task fail; what it wrote stays. */
  #watch(machine: Machine): void {
    const died = machine.died.then((reason) => `its VM ended: ${reason}`);
    const broken = machine.channel.closed.then((reason) =>
      reason.code === "VM_DIED" ? died : `its VM was ended: ${reason.message}`,
    );
    void Promise.race([died, broken]).then(async (reason) => {
      if (this.#detached || this.#machine !== machine) return;
      this.#machine = null;
      this.#log.warn({ task: this.taskId, reason }, "task failed");
      await this.#destroy(machine).catch((error: unknown) => this.#log.error({ err: error }, "clean-up failed"));
      this.#record = { ...this.#record, state: "failed", reason, machine: null };
      await writeTaskRecord(this.directory, this.#record).catch((error: unknown) =>
        this.#log.error({ err: error }, "the record could not be written"),
      );
    });
  }
}
