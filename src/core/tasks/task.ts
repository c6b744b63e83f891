import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { Channel } from "../../guest/channel.js";
import { abortable } from "../../host/abortable.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { Log } from "../../host/log.js";
import type { Journal } from "../../store/journal.js";
import type { JournalEntry } from "../../store/journal-entry.js";
import { writeTaskRecord, type TaskRecord } from "../../store/task-record.js";
import type { WorkspaceBase } from "../../store/workspace-base.js";
import type { Entry } from "../../workspace/entry.js";
import type { Call } from "../call.js";
import { expiryOf, hasExpired } from "../expiry.js";
import { viewNetwork } from "../network.js";
import { watchSilence } from "../silence.js";
import { resolveTimeout } from "../timeout.js";
import { explainReading } from "../workspace/refusal.js";
import { assertAllowed, moveTask } from "./moves.js";
import { push } from "./push.js";
import { Pushes } from "./pushes.js";
import { TaskExec, type ExecEnded, type ExecHost } from "./task-exec.js";
import { TaskExecs } from "./task-execs.js";

export interface TaskParts {
  readonly directory: string;
  readonly record: TaskRecord;
  readonly journal: Journal;
  /** Null when its VM is gone. */
  readonly machine: FoundMachine | null;
  readonly log: Log;
  /** Ends a machine and lets go of its environment. */
  readonly destroy: (machine: FoundMachine) => Promise<void>;
}

/** How a task lost its VM, and the reason to show. */
type Loss = readonly ["died" | "broken", string];

const WORKSPACE = "/workspace";
const DELETE_GRACE_MS = 3_000;

/** A persistent VM and everything that ever ran in it. */
export class Task implements ExecHost {
  readonly taskId: string;
  readonly directory: string;
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #destroy: (machine: FoundMachine) => Promise<void>;
  readonly #silence: () => string | null;
  readonly #execs: TaskExecs;
  readonly pushes: Pushes;
  readonly #calls = new Set<Promise<unknown>>();
  #record: TaskRecord;
  #machine: FoundMachine | null;
  /** Null until its VM answers. */
  #channel: Channel | null = null;
  #lastActivity: string;
  #detached = false;
  #pushesUnderWay = 0;
  /** Aborted when the task is deleted: no push goes on. */
  readonly #deleted = new AbortController();

  constructor({ directory, record, journal, machine, log, destroy }: TaskParts) {
    this.taskId = record.task_id;
    this.directory = directory;
    this.#record = record;
    this.#journal = journal;
    this.#log = log;
    this.#destroy = destroy;
    this.#machine = machine;
    this.#lastActivity = lastActivityOf(journal.entries) ?? record.created_at;
    this.#execs = new TaskExecs(this, journal.entries);
    this.pushes = new Pushes(journal, directory, log);
    this.#silence = machine ? watchSilence(machine) : () => null;
    if (machine) this.#meet(machine);
  }

  get name(): string | null {
    return this.#record.name;
  }

  /** True when it has each of the labels: `KEY`, or `KEY=VALUE`. */
  hasLabels(wanted: readonly string[]): boolean {
    const { labels } = this.#record;
    return wanted.every((label) => {
      const equals = label.indexOf("=");
      if (equals === -1) return Object.hasOwn(labels, label);
      const key = label.slice(0, equals);
      return Object.hasOwn(labels, key) && labels[key] === label.slice(equals + 1);
    });
  }

  get executionMode(): "guest" | "host_compat" {
    return this.#record.execution_mode;
  }

  get memMib(): number {
    return this.#record.mem_mib;
  }

  get accelerator(): TaskRecord["accelerator"] {
    return this.#record.accelerator;
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
    for (const exec of this.#execs.running) {
      if (machine) exec.resume(machine);
      else await this.#giveUp(exec);
    }
  }

  /**
   * Starts a command. Its start is written when this resolves, and synced when its `recorded` does. A caller who asks again under the
   * same request id, since the daemon died before it had an answer, gets the command of the first time. Throws FAILED_PRECONDITION when the task is not started.
   */
  async exec(input: InputOf<"task.exec">, stdin: Call["stdin"]): Promise<TaskExec> {
    return this.#execs.once(input, () => this.#start(input, stdin));
  }

  async #start(input: InputOf<"task.exec">, stdin: Call["stdin"]): Promise<TaskExec> {
    const machine = this.#assertStarted("exec");
    this.#assertRoomForExec();
    const exec = new TaskExec(
      this,
      {
        event: "exec.started",
        sequence: this.#execs.nextSequence,
        job: this.#channel?.takeStream() ?? this.#execs.lastJob + 1,
        ...(input.request_id === undefined ? {} : { request_id: input.request_id }),
        command: input.command,
        cwd: input.cwd,
        timeout_seconds: resolveTimeout(input, this.#record.timeout_seconds),
        started_at: new Date().toISOString(),
      },
      null,
    );
    this.#execs.add(exec);
    let recorded = Promise.resolve();
    try {
      await new Promise<void>((resolve, reject) => {
        recorded = this.#journal.append(exec.started, resolve);
        recorded.catch(reject);
      });
    } catch (error) {
      this.#execs.remove(exec);
      throw error;
    }
    this.#lastActivity = exec.started.started_at;
    // The guest need not wait for the sync: a power loss of the host ends the VM as well.
    exec.start(machine, { ...this.#record.env, ...input.env }, stdin, recorded);
    return exec;
  }

  /** Brings an uploaded source into the workspace, all of it or nothing. Throws FAILED_PRECONDITION when the task is not started. */
  async push(input: InputOf<"task.sync.push">, caller: Call): Promise<ResultOf<"task.sync.push">> {
    const found = this.#assertStarted("push");
    using until = new JoinedController([caller.signal, this.#deleted.signal]);
    const call = { ...caller, signal: until.signal };
    this.#pushesUnderWay += 1;
    try {
      return await push({ taskId: this.taskId, found, pushes: this.pushes }, input, call);
    } finally {
      this.#pushesUnderWay -= 1;
      this.#lastActivity = new Date().toISOString();
    }
  }

  /** What host and workspace last had in common. */
  get base(): WorkspaceBase {
    return this.pushes.base;
  }

  /** Records entries that the workspace has in common with a directory of a client. Waits for a push under way. */
  async settle(origin: string, entries: readonly (readonly [string, Entry | null])[]): Promise<void> {
    await this.pushes.inTurn(this.#deleted.signal, () => this.base.advance(origin, entries));
  }

  /** Works on the files of the task, whose VM has answered. Throws FAILED_PRECONDITION when the task is not started. */
  async onFiles<T>(caller: Call, work: (channel: Channel, signal: AbortSignal) => Promise<T>): Promise<T> {
    const found = this.#assertStarted("files");
    using until = new JoinedController([caller.signal, this.#deleted.signal]);
    this.#pushesUnderWay += 1;
    try {
      const { channel } = await abortable(found.ready, until.signal);
      return await work(channel, until.signal);
    } catch (error) {
      until.signal.throwIfAborted();
      throw explainReading(error);
    } finally {
      this.#pushesUnderWay -= 1;
      this.#lastActivity = new Date().toISOString();
    }
  }

  find(sequence: number): TaskExec {
    return this.#execs.find(sequence);
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

  async logs(interleaved: boolean): Promise<ResultOf<"task.logs">> {
    const entries = [];
    for (const exec of this.#execs.all) entries.push(await exec.outcome(interleaved));
    return { task_id: this.taskId, count: entries.length, entries };
  }

  async view(): Promise<ResultOf<"task.status">> {
    const record = this.#record;
    const execs = this.#execs.all;
    const last = execs.at(-1);
    const usage = await this.#machine?.usage();
    return {
      task_id: record.task_id,
      name: record.name,
      labels: record.labels,
      env_names: Object.keys(record.env).toSorted(),
      environment: record.environment,
      state: record.state,
      state_reason: record.reason ?? this.#silence(),
      workspace_path: WORKSPACE,
      vcpu_count: record.vcpu_count,
      mem_mib: record.mem_mib,
      disk_mib: record.disk_mib,
      timeout_seconds: record.timeout_seconds,
      network_enabled: record.network,
      network: await viewNetwork(this.#machine?.network ?? null),
      allow_host_compat: record.allow_host_compat,
      execution_mode: record.execution_mode,
      accelerator: record.accelerator,
      created_at: record.created_at,
      last_activity_at: this.#lastActivity,
      expires_at: this.#expiresAt(),
      command_count: execs.length,
      running_commands: this.#execs.running.length,
      last_command: last
        ? {
            command: last.started.command,
            exit_code: last.ended?.exit_code ?? null,
            timed_out: last.ended?.timed_out ?? false,
          }
        : null,
      workspace_seed: record.workspace_seed,
      last_push: this.pushes.last,
      memory_bytes: usage?.memoryBytes ?? null,
      memory_reserved_mib: this.#machine?.reservedMib ?? null,
      disk_bytes: usage?.diskBytes ?? null,
    };
  }

  /** True when nobody has used it for its time to live. A task in which a command runs, or that a push goes to, is in use. */
  hasExpired(now: number): boolean {
    const isBusy = this.#execs.running.length + this.#pushesUnderWay > 0;
    return !isBusy && hasExpired(this.#expiresAt(), now);
  }

  /** Aborts what runs, lets its callers know, and ends the VM. The files are the caller's to remove. */
  async end(): Promise<void> {
    for (const exec of this.#execs.running) exec.kill();
    this.#deleted.abort(
      new PyroError("ABORTED", "The task was deleted.", { hint: "Create another one with `pyro task create`." }),
    );
    const told = Promise.allSettled([...this.#calls, ...this.#execs.all.map(({ done }) => done)]);
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
    this.#channel?.close();
    await this.#journal.close();
  }

  async #giveUp(exec: TaskExec): Promise<void> {
    await exec.giveUp(new PyroError("VM_DIED", "The VM ended while the command ran.")).catch((error: unknown) => {
      this.#log.error({ task: this.taskId, err: error }, "the end of a command could not be written");
    });
  }

  #expiresAt(): string | null {
    const { ttl_seconds } = this.#record;
    return ttl_seconds === 0 ? null : expiryOf(this.#lastActivity, ttl_seconds);
  }

  #assertStarted(what: "exec" | "push" | "files"): FoundMachine {
    assertAllowed(this.#record, what);
    if (this.#machine) return this.#machine;
    throw new PyroError("FAILED_PRECONDITION", `The VM of task ${this.taskId} is ending.`);
  }

  #assertRoomForExec(): void {
    const running = this.#execs.running.length;
    if (running < limits.runningCommands) return;
    throw new PyroError("RESOURCE_EXHAUSTED", `${running} commands run in task ${this.taskId}, which is the most.`, {
      hint: "Wait for one of them to end.",
      details: { task_id: this.taskId, running, limit: limits.runningCommands },
    });
  }

  /** Waits for its VM to answer, then to end. A VM that dies, or an agent that breaks the protocol, makes the task fail; what it wrote stays. */
  #meet(machine: FoundMachine): void {
    const answered = machine.ready.then(({ channel }) => {
      this.#channel = channel;
      channel.skipStreams(this.#execs.lastJob);
      this.#releaseEnded(channel);
      void this.pushes.takeOver(channel);
      return channel.closed;
    }, PyroError.from);
    const died = machine.died.then((reason): Loss => ["died", `its VM ended: ${reason}`]);
    const broken = answered.then((reason): Loss | Promise<Loss> =>
      reason.code === "VM_DIED" ? died : ["broken", `its VM was ended: ${reason.message}`],
    );
    void Promise.race([died, broken]).then(async ([happening, reason]) => {
      if (this.#detached || this.#machine !== machine) return;
      this.#machine = null;
      this.#log.warn({ task: this.taskId, reason }, "task failed");
      await this.#destroy(machine).catch((error: unknown) => this.#log.error({ err: error }, "clean-up failed"));
      this.#record = moveTask(this.#record, happening, reason);
      await writeTaskRecord(this.directory, this.#record).catch((error: unknown) =>
        this.#log.error({ err: error }, "the record could not be written"),
      );
    });
  }

  /** Has the agent forget the jobs whose end was written down by a daemon that died before it could say so. */
  #releaseEnded(channel: Channel): void {
    const running = this.#execs.running.map(({ started }) => started.job);
    for (const job of channel.hello.jobs) {
      if (!running.includes(job)) channel.request("release", { job }).catch(() => {});
    }
  }
}

/** When a command last began or ended, or something else was done with the task. */
function lastActivityOf(entries: readonly JournalEntry[]): string | undefined {
  const times = entries.map((entry) => {
    if (entry.event === "exec.started") return entry.started_at;
    if (entry.event === "exec.ended") return entry.ended_at;
    return "at" in entry ? entry.at : undefined;
  });
  return times.findLast((time) => time !== undefined);
}
