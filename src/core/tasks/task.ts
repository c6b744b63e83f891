import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { Log } from "../../host/log.js";
import type { Journal } from "../../store/journal.js";
import type { TaskRecord } from "../../store/task-record.js";
import type { WorkspaceBase } from "../../store/workspace-base.js";
import type { Entry } from "../../workspace/entry.js";
import type { Call } from "../call.js";
import { Activity } from "./activity.js";
import { hasLabels } from "./labels.js";
import { Callers, type OnFiles } from "./callers.js";
import { isResumable } from "./moves.js";
import { push } from "../workspace/push.js";
import { PublishedPorts } from "../ports/published-ports.js";
import { Services } from "../services/services.js";
import { servicesHostOf } from "../services/host.js";
import { Pushes } from "../workspace/pushes.js";
import type { ExecEnded, ExecHost } from "../exec/exec-outcome.js";
import { startTaskExec } from "../exec/start-exec.js";
import type { TaskExec } from "../exec/task-exec.js";
import { TaskExecs } from "../exec/task-execs.js";
import { TaskVm, type TaskVmParts } from "./task-vm.js";
import { viewOf } from "./view.js";

export type TaskParts = TaskVmParts;

const DELETE_GRACE_MS = 3_000;

/** A persistent VM with all commands that ever ran in it. */
export class Task implements ExecHost {
  readonly taskId: string;
  readonly directory: string;
  /** Its VMs, one after the other. */
  readonly vm: TaskVm;
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #activity: Activity;
  readonly #execs: TaskExecs;
  readonly pushes: Pushes;
  readonly ports: PublishedPorts;
  readonly services: Services;
  readonly #callers: Callers;
  #detached = false;

  constructor(parts: TaskParts) {
    const { directory, record, journal, log } = parts;
    this.taskId = record.task_id;
    this.directory = directory;
    this.#journal = journal;
    this.#log = log;
    this.#activity = new Activity(journal.entries, record.created_at);
    this.#execs = new TaskExecs(this, journal.entries);
    this.pushes = new Pushes(journal, directory, log);
    this.vm = new TaskVm(parts, {
      ...{ execs: this.#execs, pushes: this.pushes },
      services: { suspend: () => this.services.suspend(), resume: () => this.services.resume() },
    });
    this.#callers = new Callers(this.vm, this.#activity);
    this.ports = new PublishedPorts({
      ...{ taskId: this.taskId, log: parts.log },
      machine: () => this.vm.machine,
      during: (connection) => this.#activity.during(connection),
      record: (ports) => this.vm.change({ ports: [...ports] }),
    });
    this.services = new Services(servicesHostOf(this, this.#execs, log, (...start) => this.#startOfService(...start)));
  }

  get record(): TaskRecord {
    return this.vm.record;
  }

  get name(): string | null {
    return this.vm.record.name;
  }

  hasLabels(wanted: readonly string[]): boolean {
    return hasLabels(this.vm.record.labels, wanted);
  }

  /** How many commands it has had. */
  get commandCount(): number {
    return this.#execs.all.length;
  }

  isDetached(): boolean {
    return this.#detached;
  }

  get isStarted(): boolean {
    return this.vm.record.state === "started";
  }

  /** Continues the commands that ran when an earlier daemon died; one that cannot be found ends with the reason. */
  async takeOver(): Promise<void> {
    await this.ports.reopen(this.record.ports);
    if (isResumable(this.record)) return;
    const { machine } = this.vm;
    for (const exec of this.#execs.running) {
      if (machine) exec.resume(machine);
      else await this.#giveUp(exec, new PyroError("VM_DIED", "The VM ended while the command ran."));
    }
    this.services.resume();
  }

  /**
   * Starts a command, and the task if it is stopped. The command's start is written when this resolves, and synced when its `recorded`
   * does. A caller that repeats a call with the same request id gets the command of the first call. Throws FAILED_PRECONDITION when the
   * task has no VM and cannot get one.
   */
  async exec(input: InputOf<"task.exec">, call: Call, stdin: Call["stdin"]): Promise<TaskExec> {
    const earlier = await this.#execs.earlier(input);
    if (earlier !== null) return earlier;
    return this.#callers.use("exec", call, (machine) =>
      this.#execs.once(input, () => this.#start(machine, input, stdin)),
    );
  }

  /** Starts the command of a service. Without a caller, null when the task is not started. */
  async #startOfService(service: string, input: InputOf<"task.exec">, call: Call | null): Promise<TaskExec | null> {
    const start = (machine: FoundMachine) => this.#execs.once(input, () => this.#start(machine, input, null, service));
    if (call !== null) return this.#callers.use("exec", call, start);
    while (this.vm.still) await this.vm.still;
    return this.isStarted && this.vm.machine !== null && !this.#detached ? start(this.vm.machine) : null;
  }

  /** Works at a moment in which the task takes commands. Starts a stopped task first. */
  whenStarted<T>(call: Call, work: () => Promise<T>): Promise<T> {
    return this.#callers.use("exec", call, work);
  }

  async #start(
    machine: FoundMachine,
    input: InputOf<"task.exec">,
    stdin: Call["stdin"],
    service: string | null = null,
  ): Promise<TaskExec> {
    const { record, channel } = this.vm;
    const task = { host: this, execs: this.#execs, journal: this.#journal, record, channel, service };
    const exec = await startTaskExec(task, machine, input, stdin);
    this.#activity.note(exec.started.started_at);
    return exec;
  }

  /** Brings an uploaded source into the workspace, all of it or nothing. Throws FAILED_PRECONDITION when the task is not started. */
  push(input: InputOf<"task.sync.push">, caller: Call): Promise<ResultOf<"task.sync.push">> {
    const { taskId, pushes } = this;
    return this.#callers.work("push", caller, (found, call) => push({ taskId, found, pushes }, input, call));
  }

  /** The entries that host and workspace last had in common. */
  get base(): WorkspaceBase {
    return this.pushes.base;
  }

  /** Records entries that the workspace has in common with a directory of a client. Waits for a push under way. */
  async settle(origin: string, entries: readonly (readonly [string, Entry | null])[]): Promise<void> {
    await this.pushes.inTurn(this.#callers.deleted, () => this.base.advance(origin, entries));
  }

  /** Works on the files of the task when its VM has answered. Throws FAILED_PRECONDITION when the task is not started. */
  onFiles<T>(caller: Call, work: OnFiles<T>): Promise<T> {
    return this.#callers.onFiles(caller, work);
  }

  /** The same for work that changes nothing: the files of a task without a VM are read from its disk. */
  readFiles<T>(caller: Call, work: OnFiles<T>): Promise<T> {
    return this.#callers.readFiles(caller, work);
  }

  /** Changes the VM of the task, until the caller cancels or the task is deleted. */
  changeVm<T>(caller: Call, change: (vm: TaskVm, call: Call) => Promise<T>): Promise<T> {
    return this.#callers.changeVm(caller, change);
  }

  /** Publishes a port. Starts a stopped task first. Throws FAILED_PRECONDITION when the task has no VM. */
  publishPort(port: number, hostPort: number | undefined, call: Call): ReturnType<PublishedPorts["publish"]> {
    return this.#callers.use("ports", call, () => this.ports.publish(port, hostPort));
  }

  find(sequence: number): TaskExec {
    return this.#execs.find(sequence);
  }

  /** Registers a caller's work, so that a delete waits until the caller has its result. */
  during<T>(work: Promise<T>): Promise<T> {
    return this.#callers.during(work);
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
      record: this.vm.record,
      machine: this.vm.machine,
      keptDisk: () => this.vm.disk.usageBytes(),
      silence: this.vm.explainSilence(),
      execs: this.#execs,
      activity: this.#activity,
      lastPush: this.pushes.last,
      ports: this.ports.list,
      services: this.services.all,
    });
  }

  /**
   * True when its time to live has passed since its last use. A running command or push counts as use; a task that can be started again
   * does not expire.
   */
  hasExpired(now: number): boolean {
    if (isResumable(this.record)) return false;
    return this.#execs.running.length === 0 && this.#activity.hasExpired(this.vm.record.ttl_seconds, now);
  }

  /** UTC, ISO 8601. */
  get lastUsedAt(): string {
    return this.#activity.last;
  }

  /** True when it is started and was unused for its idle time. */
  isIdle(now: number): boolean {
    const { idle_stop_seconds: seconds } = this.record;
    return this.isStarted && this.#execs.running.length === 0 && this.#activity.hasExpired(seconds, now);
  }

  /** Aborted when the task is deleted. */
  get deleted(): AbortSignal {
    return this.#callers.deleted;
  }

  /** Aborts everything that runs, answers the callers, and ends the VM. The caller removes the files. */
  async end(): Promise<void> {
    this.services.suspend();
    this.ports.closeAll();
    const reason = new PyroError("ABORTED", "The task was deleted.", {
      hint: "Create another one with `pyro task create`.",
    });
    for (const exec of this.#execs.running) exec.kill();
    if (this.vm.machine === null) await Promise.all(this.#execs.running.map((exec) => this.#giveUp(exec, reason)));
    const ended = Promise.allSettled([this.#callers.end(reason), ...this.#execs.all.map(({ done }) => done)]);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, DELETE_GRACE_MS).unref())]);
    this.#detached = true;
    await this.vm.changes.take(new AbortController().signal, () => this.vm.leave());
    await this.vm.disk.close();
    await this.#journal.close();
  }

  /** Detaches from it without ending anything: the next daemon adopts it. */
  async detach(): Promise<void> {
    this.#detached = true;
    this.services.suspend();
    this.ports.closeAll();
    this.vm.detach();
    await this.vm.disk.close();
    await this.#journal.close();
  }

  stoppedMs(since: string): number {
    return this.vm.stoppedMs(since);
  }

  async #giveUp(exec: TaskExec, reason: PyroError): Promise<void> {
    await exec.giveUp(reason).catch((error: unknown) => {
      this.#log.error({ task: this.taskId, err: error }, "the end of a command could not be written");
    });
  }
}
