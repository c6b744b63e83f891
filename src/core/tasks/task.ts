import { PyroError } from "../../contract/errors.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { Journal } from "../../store/journal.js";
import type { TaskRecord } from "../../store/task-record.js";
import type { WorkspaceBase } from "../../store/workspace-base.js";
import type { Entry } from "../../workspace/entry.js";
import type { Call } from "../call.js";
import { Activity } from "./activity.js";
import { hasLabels } from "../../contract/has-labels.js";
import { Callers, type OnFiles } from "./callers.js";
import { Commands } from "./commands.js";
import { handleLoss, isRestored } from "./branches/restore.js";
import { isResumable } from "./moves.js";
import { push } from "../workspace/push.js";
import { PublishedPorts } from "../ports/published-ports.js";
import { Services } from "../services/services.js";
import { servicesHostOf } from "../services/host.js";
import { Pushes } from "../workspace/pushes.js";
import type { ExecEnded, ExecHost } from "../exec/exec-outcome.js";
import type { TaskExec } from "../exec/task-exec.js";
import { restoreOf } from "../exec/restore-of.js";
import { TaskExecs } from "../exec/task-execs.js";
import { Shells } from "../exec/shells.js";
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
  readonly #activity: Activity;
  readonly #execs: TaskExecs;
  readonly pushes: Pushes;
  readonly ports: PublishedPorts;
  readonly services: Services;
  readonly shells: Shells;
  readonly #callers: Callers;
  readonly #commands: Commands;
  #detached = false;

  constructor(parts: TaskParts) {
    const { directory, record, journal, log } = parts;
    this.taskId = record.task_id;
    this.directory = directory;
    this.#journal = journal;
    this.#activity = new Activity(journal.entries, record.created_at);
    this.#execs = new TaskExecs(this, journal.entries);
    this.pushes = new Pushes(journal, directory, log);
    this.vm = new TaskVm(parts, {
      ...{ execs: this.#execs, pushes: this.pushes },
      services: { suspend: () => this.services.suspend(), resume: () => this.services.resume() },
      onLost: (loss) => handleLoss(this.vm, loss, this.deleted),
    });
    this.#callers = new Callers(this.vm, this.#activity);
    this.ports = new PublishedPorts({
      ...{ taskId: this.taskId, log: parts.log },
      machine: () => this.vm.machine,
      during: (connection) => this.#activity.during(connection),
      record: (ports) => this.vm.change({ ports: [...ports] }),
    });
    this.#commands = new Commands({
      ...{ host: this, execs: this.#execs, vm: this.vm, callers: this.#callers },
      ...{ activity: this.#activity, journal, log },
    });
    this.shells = new Shells(this.taskId, this.#execs, this.#commands.start.bind(this.#commands));
    const start = this.#commands.startOfService.bind(this.#commands);
    this.services = new Services(servicesHostOf(this, this.#execs, log, start));
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
    const isStopped = isResumable(this.record);
    if (!isStopped || isRestored(this.record)) await this.#commands.takeOver();
    if (!isStopped) this.services.resume();
  }

  /**
   * Starts a command, and the task if it is stopped. The command's start is written when this resolves, and synced when its `recorded`
   * does. A caller that repeats a call with the same request id gets the command of the first call. Throws FAILED_PRECONDITION when the
   * task has no VM and cannot get one.
   */
  exec(input: InputOf<"task.exec">, call: Call, stdin: Call["stdin"]): Promise<TaskExec> {
    return this.#commands.start(input, call, stdin);
  }

  /** Works at a moment in which the task takes commands. Starts a stopped task first. */
  whenStarted<T>(call: Call, work: () => Promise<T>): Promise<T> {
    return this.#callers.use("exec", call, work);
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

  readonly restoreOf: ExecHost["restoreOf"] = (started, ended) => restoreOf(this.vm, this.#execs.all, started, ended);

  /** Registers a caller's work, so that a delete waits until the caller has its result. */
  during<T>(work: Promise<T>): Promise<T> {
    return this.#callers.during(work);
  }

  async recordEnd(ended: ExecEnded): Promise<void> {
    this.#activity.note(ended.ended_at);
    await this.#journal.append(ended);
  }

  async logs(interleaved: boolean): Promise<ResultOf<"task.logs">> {
    const entries = await this.#execs.outcomes(interleaved);
    return { task_id: this.taskId, count: entries.length, entries };
  }

  view(): Promise<ResultOf<"task.status">> {
    return viewOf({
      record: this.vm.record,
      machine: this.vm.machine,
      keptDisk: () => this.vm.disk.usageBytes(),
      silence: this.vm.explainSilence(),
      snapshotError: this.vm.snapshotError,
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
    await this.#commands.killAll(reason);
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
}
