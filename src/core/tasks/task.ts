import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import { terminalOf } from "../../contract/terminal.js";
import type { Channel } from "../../guest/channel.js";
import { abortable } from "../../host/abortable.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { Log } from "../../host/log.js";
import type { Journal } from "../../store/journal.js";
import { writeTaskRecord, type TaskRecord } from "../../store/task-record.js";
import type { WorkspaceBase } from "../../store/workspace-base.js";
import type { Entry } from "../../workspace/entry.js";
import type { Call } from "../call.js";
import { explainTreeRefusal } from "../files/refusal.js";
import { MachineSession, releaseJobs } from "../lifecycle/session.js";
import type { LastingMachines } from "../machines/machines.js";
import { resolveTimeout } from "../exec/timeout.js";
import { Activity } from "./activity.js";
import { hasLabels } from "./labels.js";
import { assertAllowed, moveTask } from "./moves.js";
import { push } from "../workspace/push.js";
import { Pushes } from "../workspace/pushes.js";
import { TaskExec, type ExecEnded, type ExecHost } from "../exec/task-exec.js";
import { TaskExecs } from "../exec/task-execs.js";
import { viewOf } from "./view.js";

export interface TaskParts {
  readonly directory: string;
  readonly record: TaskRecord;
  readonly journal: Journal;
  /** Null when its VM has ended. */
  readonly machine: FoundMachine | null;
  readonly log: Log;
  readonly machines: Pick<LastingMachines, "destroy">;
}

const DELETE_GRACE_MS = 3_000;

/** A persistent VM and everything that ever ran in it. */
export class Task implements ExecHost {
  readonly taskId: string;
  readonly directory: string;
  readonly #journal: Journal;
  readonly #log: Log;
  /** Null when its VM had already ended. */
  readonly #session: MachineSession | null;
  readonly #activity: Activity;
  readonly #execs: TaskExecs;
  readonly pushes: Pushes;
  readonly #calls = new Set<Promise<unknown>>();
  #record: TaskRecord;
  #detached = false;
  /** Aborted when the task is deleted: ends its pushes. */
  readonly #deleted = new AbortController();

  constructor({ directory, record, journal, machine, machines, log }: TaskParts) {
    this.taskId = record.task_id;
    this.directory = directory;
    this.#record = record;
    this.#journal = journal;
    this.#log = log;
    this.#activity = new Activity(journal.entries, record.created_at);
    this.#execs = new TaskExecs(this, journal.entries);
    this.pushes = new Pushes(journal, directory, log);
    this.#session = machine && this.#watch(machine, machines);
  }

  get name(): string | null {
    return this.#record.name;
  }

  hasLabels(wanted: readonly string[]): boolean {
    return hasLabels(this.#record.labels, wanted);
  }

  get executionMode(): string {
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

  /** Continues the commands that ran when an earlier daemon died; one that cannot be found ends with the reason. */
  async takeOver(): Promise<void> {
    const machine = this.#machine;
    for (const exec of this.#execs.running) {
      if (machine) exec.resume(machine);
      else await this.#giveUp(exec);
    }
  }

  /**
   * Starts a command. Its start is written when this resolves, and synced when its `recorded` does. A caller who repeats the call under the
   * same request id, since the daemon died before its answer, gets the first call's command. Throws FAILED_PRECONDITION when the task is not started.
   */
  async exec(input: InputOf<"task.exec">, stdin: Call["stdin"]): Promise<TaskExec> {
    return this.#execs.once(input, () => this.#start(input, stdin));
  }

  async #start(input: InputOf<"task.exec">, stdin: Call["stdin"]): Promise<TaskExec> {
    const machine = this.#assertStarted("exec");
    this.#assertRoomForExec();
    const terminal = terminalOf(input);
    const exec = new TaskExec(
      this,
      {
        event: "exec.started",
        sequence: this.#execs.nextSequence,
        job: this.#session?.channel?.takeStream() ?? this.#execs.lastJob + 1,
        ...(input.request_id === undefined ? {} : { request_id: input.request_id }),
        command: input.command,
        cwd: input.cwd,
        timeout_seconds: resolveTimeout(input, this.#record.timeout_seconds),
        ...(terminal && { terminal }),
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
    this.#activity.note(exec.started.started_at);
    // The guest need not wait for the sync: a power loss of the host ends the VM as well.
    exec.start(machine, { ...this.#record.env, ...input.env }, stdin, recorded);
    return exec;
  }

  /** Brings an uploaded source into the workspace, all of it or nothing. Throws FAILED_PRECONDITION when the task is not started. */
  async push(input: InputOf<"task.sync.push">, caller: Call): Promise<ResultOf<"task.sync.push">> {
    const found = this.#assertStarted("push");
    using until = new JoinedController([caller.signal, this.#deleted.signal]);
    const call = { ...caller, signal: until.signal };
    return await this.#activity.during(() => push({ taskId: this.taskId, found, pushes: this.pushes }, input, call));
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
    try {
      return await this.#activity.during(async () => {
        const { channel } = await abortable(found.ready, until.signal);
        return work(channel, until.signal);
      });
    } catch (error) {
      until.signal.throwIfAborted();
      throw explainTreeRefusal(error);
    }
  }

  find(sequence: number): TaskExec {
    return this.#execs.find(sequence);
  }

  /** Registers a caller's work, so that a delete waits until the caller has its result. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#calls.add(work);
    try {
      return await work;
    } finally {
      this.#calls.delete(work);
    }
  }

  async recordEnd(ended: ExecEnded): Promise<void> {
    this.#activity.note(ended.ended_at);
    await this.#journal.append(ended);
  }

  async logs(interleaved: boolean): Promise<ResultOf<"task.logs">> {
    const entries = [];
    for (const exec of this.#execs.all) entries.push(await exec.outcome(interleaved));
    return { task_id: this.taskId, count: entries.length, entries };
  }

  view(): Promise<ResultOf<"task.status">> {
    return viewOf({
      record: this.#record,
      machine: this.#machine,
      silence: this.#session?.explainSilence() ?? null,
      execs: this.#execs,
      activity: this.#activity,
      lastPush: this.pushes.last,
    });
  }

  /** True when it was not used for its time to live. A running command or push counts as use. */
  hasExpired(now: number): boolean {
    return this.#execs.running.length === 0 && this.#activity.hasExpired(this.#record.ttl_seconds, now);
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
    await this.#session?.end();
    await this.#journal.close();
  }

  /** Detaches from it without ending anything: the next daemon adopts it. */
  async detach(): Promise<void> {
    this.#detached = true;
    this.#session?.detach();
    await this.#journal.close();
  }

  async #giveUp(exec: TaskExec): Promise<void> {
    await exec.giveUp(new PyroError("VM_DIED", "The VM ended while the command ran.")).catch((error: unknown) => {
      this.#log.error({ task: this.taskId, err: error }, "the end of a command could not be written");
    });
  }

  #assertStarted(what: "exec" | "push" | "files"): FoundMachine {
    assertAllowed(this.#record, what);
    const machine = this.#machine;
    if (machine) return machine;
    throw new PyroError("FAILED_PRECONDITION", `The VM of task ${this.taskId} is ending.`);
  }

  #assertRoomForExec(): void {
    const running = this.#execs.running.length;
    if (running < limits.runningCommands) return;
    throw new PyroError("RESOURCE_EXHAUSTED", `Task ${this.taskId} runs ${running} commands, the most at once.`, {
      hint: "Wait for one of them to end.",
      details: { task_id: this.taskId, running, limit: limits.runningCommands },
    });
  }

  /** Null when its VM has ended, or is being ended. */
  get #machine(): FoundMachine | null {
    return this.#session?.isOpen ? this.#session.machine : null;
  }

  /** A task fails with its VM; its output stays. */
  #watch(machine: FoundMachine, machines: TaskParts["machines"]): MachineSession {
    return new MachineSession({
      machine,
      machines,
      log: this.#log,
      onAnswer: (channel) => {
        channel.skipStreams(this.#execs.lastJob);
        // The end of these was recorded by a daemon that died before it could release them.
        releaseJobs(
          channel,
          this.#execs.running.map(({ started }) => started.job),
        );
        void this.pushes.takeOver(channel);
      },
      onLost: async ({ how, reason }) => {
        const what = how === "died" ? "its VM ended" : "its VM was ended";
        this.#record = moveTask(this.#record, how, `${what}: ${reason}`);
        await writeTaskRecord(this.directory, this.#record);
      },
    });
  }
}
