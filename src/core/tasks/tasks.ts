import { join } from "node:path";

import type { InputOf, ResultOf } from "../../contract/operations.js";
import { mkdir } from "../../host/files.js";
import type { Log } from "../../host/log.js";
import { openJournal } from "../../store/journal.js";
import { isTaskId, journalPath } from "../../store/layout.js";
import { explainReading } from "../../store/record.js";
import { listTaskDirectories, removeTaskDirectory, sweepDeleted } from "../../store/task-directories.js";
import { readTaskRecord } from "../../store/task-record.js";
import type { Call } from "../call.js";
import { Registry } from "../lifecycle/registry.js";
import type { LastingMachines } from "../machines/lasting.js";
import type { Snapshot } from "../snapshots/snapshots.js";
import { AutomaticSnapshots } from "./automatic-snapshots.js";
import { adoptTask } from "./adopt-task.js";
import { forkAll, forkNames } from "./branches/fork-all.js";
import { removeSnapshotsOf, tidySnapshots } from "./branches/snapshot.js";
import { tryVariants } from "./branches/try.js";
import { createTask } from "./create-task.js";
import { IdleStops } from "./idle.js";
import { machineIdOf } from "./machine-id.js";
import { noTask, TaskNames } from "./names.js";
import { assertSetup, Setups } from "./setup/setups.js";
import { inPassingTask } from "./passing-task.js";
import { Task } from "./task.js";
import type { TaskSnapshots } from "./task-vm.js";
import { viewOfUnreadable } from "./view.js";

export interface TasksOptions {
  readonly homePath: string;
  readonly machines: LastingMachines;
  readonly snapshots: TaskSnapshots;
  /** Machines of other owners that must not be ended. */
  readonly keep: readonly string[];
  readonly log: Log;
}

/** The tasks of one home. This daemon is their only writer. */
export class Tasks {
  readonly #options: TasksOptions;
  readonly #path: string;
  readonly #registry: Registry<Task>;
  readonly idle: IdleStops;
  readonly automatic: AutomaticSnapshots;
  readonly #setups: Setups;
  readonly #names = new TaskNames((name) => this.#findNamed(name)?.taskId);

  private constructor(options: TasksOptions) {
    this.#options = options;
    this.#path = join(options.homePath, "tasks");
    this.#setups = new Setups({ ...options, tasksPath: this.#path });
    this.idle = new IdleStops(() => this.#registry.all, options.log);
    const isNeeded = (snapshotId: string) => this.needing(snapshotId).length > 0;
    this.automatic = new AutomaticSnapshots(() => this.#registry.all, isNeeded, options.log);
    this.#registry = new Registry({
      noun: "Task",
      machines: options.machines,
      log: options.log,
      machineIdOf,
      missing: noTask,
      unreadableHint: (taskId) => `Its files are left as they are; \`pyro task delete ${taskId}\` removes them.`,
      hasExpired: (task, now) => task.hasExpired(now),
      remove: (taskId, task) => this.#remove(taskId, task),
      removeFiles: async (taskId) => void (await removeTaskDirectory(this.#path, taskId)),
    });
  }

  /** Reads every task, adopts the VMs that still run, and continues their commands. Ends other machines of an earlier daemon. */
  static async open(options: TasksOptions): Promise<Tasks> {
    const tasks = new Tasks(options);
    await mkdir(tasks.#path, { recursive: true, mode: 0o700 });
    await sweepDeleted(tasks.#path);
    const found = await listTaskDirectories(tasks.#path);
    await Promise.all(found.map(({ taskId, directory }) => tasks.#load(taskId, directory)));
    await tasks.#sweep();
    // An unreadable task may need any snapshot.
    if (tasks.#registry.unreadable.length === 0) {
      await tidySnapshots(
        options.snapshots,
        (taskId) => tasks.#registry.all.some((task) => task.taskId === taskId),
        (snapshotId) => tasks.needing(snapshotId).length > 0 || tasks.#restoring(snapshotId),
      );
    }
    await tasks.reapExpired();
    return tasks;
  }

  get snapshots(): TaskSnapshots {
    return this.#options.snapshots;
  }

  /** Starts a task. If this throws, no task is left. Throws ALREADY_EXISTS when another task has its name. */
  create(input: InputOf<"task.create">, call: Call): Promise<Task> {
    return this.#names.during(input.name === undefined ? [] : [input.name], async () => {
      const { setup } = input;
      assertSetup(input);
      const task = await (setup === undefined
        ? createTask({ ...this.#options, tasksPath: this.#path }, input, call)
        : this.#setups.create({ ...input, setup }, call));
      this.#registry.add(task.taskId, task);
      return task;
    });
  }

  /** Works in a task that is not listed, and that is removed afterwards. */
  inPassing<T>(
    input: InputOf<"task.create">,
    purpose: string,
    call: Call,
    work: (task: Task) => Promise<T>,
  ): Promise<T> {
    return inPassingTask({ ...this.#options, tasksPath: this.#path }, input, { purpose, call }, work);
  }

  /** Starts forks of a task or snapshot; all of them, or none. Throws RESOURCE_EXHAUSTED when the host cannot hold them. */
  async fork({ task_id: source, count, name }: InputOf<"task.fork">, call: Call): Promise<Task[]> {
    const names = forkNames(name, count);
    const parts = { ...this.#options, tasksPath: this.#path };
    return this.#names.during(
      names.filter((each) => each !== null),
      async () => {
        const snapshot = this.#findSnapshot(source);
        const forks = snapshot
          ? await forkAll(parts, snapshot, names, call)
          : await this.get(source).changeVm(call, (vm, until) => forkAll(parts, vm, names, until));
        for (const fork of forks) this.#registry.add(fork.taskId, fork);
        return forks;
      },
    );
  }

  /** Tries variants of a command in forks of a task, which are removed. */
  async try(input: InputOf<"task.try">, call: Call): Promise<ResultOf<"task.try">> {
    const task = this.get(input.task_id);
    const parts = {
      ...{ ...this.#options, tasksPath: this.#path },
      add: (fork: Task) => this.#registry.add(fork.taskId, fork),
      remove: (fork: Task) => this.#remove(fork.taskId, fork),
    };
    return task.during(tryVariants(parts, task, input, call));
  }

  /** The id behind an id or a name, of a task or else of a snapshot. Throws NOT_FOUND for a name that neither has. */
  resolve(reference: string): string {
    if (isTaskId(reference)) return reference;
    const id = this.#findNamed(reference)?.taskId ?? this.#findSnapshot(reference)?.record.snapshot_id;
    if (id !== undefined) return id;
    throw noTask(reference);
  }

  #findSnapshot(reference: string): Snapshot | undefined {
    const all = this.#options.snapshots.list();
    return all.find(({ record }) => record.snapshot_id === reference || record.name === reference);
  }

  #findNamed(name: string): Task | undefined {
    return this.#registry.all.find((task) => task.name === name);
  }

  /** Throws NOT_FOUND, or FAILED_PRECONDITION for a task whose files cannot be read. */
  get(taskId: string): Task {
    return this.#registry.get(taskId);
  }

  /** The ids of started tasks. */
  startedIds(): string[] {
    return this.#registry.all.filter((task) => task.isStarted).map((task) => task.taskId);
  }

  /** A task as status shows it; also one whose files cannot be read. */
  async view(taskId: string): Promise<ResultOf<"task.status">> {
    const damage = this.#registry.damageOf(taskId);
    return damage === undefined ? this.get(taskId).view() : viewOfUnreadable(taskId, damage);
  }

  /** The tasks that have all of these labels. The labels of an unreadable task are not known. */
  async list(labels: readonly string[] = []): Promise<ResultOf<"task.status">[]> {
    const wanted = this.#registry.all.filter((task) => task.hasLabels(labels));
    const views = await Promise.all(wanted.map((task) => task.view()));
    const unreadable = (labels.length === 0 ? this.#registry.unreadable : []).map(([taskId, damage]) =>
      viewOfUnreadable(taskId, damage),
    );
    return [...views, ...unreadable].toSorted((a, b) => a.created_at.localeCompare(b.created_at));
  }

  delete(taskId: string): Promise<void> {
    return this.#registry.delete(taskId);
  }

  /** Removes the tasks that were not used for their time to live, and returns their ids. */
  reapExpired(): Promise<string[]> {
    return this.#registry.reapExpired();
  }

  /** Detaches from all tasks; their VMs and commands keep running. */
  async detachAll(): Promise<void> {
    this.#registry.close();
    this.idle.close();
    this.automatic.close();
    await Promise.all(this.#registry.all.map((task) => task.detach()));
  }

  async #remove(taskId: string, task: Task): Promise<void> {
    this.#registry.forget(taskId);
    await task.end();
    await removeTaskDirectory(this.#path, taskId);
    await removeSnapshotsOf(this.#options.snapshots, taskId, (id) => this.needing(id).length > 0);
  }

  /** The ids of tasks that start from a snapshot: stopped ones, and those that are being reset to it. */
  needing(snapshotId: string): string[] {
    return this.#registry.all.filter(({ vm }) => vm.needs(snapshotId)).map(({ taskId }) => taskId);
  }

  /** True for a task's present automatic snapshot. */
  #restoring(snapshotId: string): boolean {
    return this.#registry.all.some(({ record }) => record.automatic_snapshot?.snapshot_id === snapshotId);
  }

  /** Ends every orphaned machine. Machines of unreadable tasks stay, for a pyro that can read them. */
  #sweep(): Promise<void> {
    const { machines, keep } = this.#options;
    return machines.sweep(new Set([...keep, ...this.#registry.unreadable.map(([taskId]) => machineIdOf(taskId))]));
  }

  async #load(taskId: string, directory: string): Promise<void> {
    const { machines, snapshots, log } = this.#options;
    const reading = await readTaskRecord(directory);
    const opened = await openJournal(journalPath(directory));
    if (reading.kind !== "record" || opened.kind !== "journal") {
      const reason = explainReading(reading) ?? explainReading(opened) ?? "its files are damaged";
      await this.#registry.addUnreadable(taskId, reason, directory);
      return;
    }
    // A fork of a variant that a daemon left when it died.
    if (reading.record.tried_for !== null) return void (await removeTaskDirectory(this.#path, taskId));
    const { machine, record } = await adoptTask(directory, reading.record, { machines, snapshots, log });
    const { journal } = opened;
    const task = new Task({ directory, record, journal, machine, machines, snapshots, log });
    this.#registry.add(taskId, task);
    await task.takeOver();
  }
}
