import { PyroError } from "../../contract/errors.js";
import type { Log } from "../../host/log.js";
import { reapRegularly } from "../lifecycle/expiry.js";
import { renewAutomatic } from "./branches/automatic.js";
import type { Task } from "./task.js";

/** Makes the automatic snapshots of tasks that ask for them. */
export class AutomaticSnapshots {
  readonly #tasks: () => readonly Task[];
  readonly #isNeeded: (snapshotId: string) => boolean;
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  /** When the last one of each task was begun: a failed one is tried again after the same interval. */
  readonly #begunMs = new WeakMap<Task, number>();
  readonly #underWay = new WeakSet<Task>();

  constructor(tasks: () => readonly Task[], isNeeded: (snapshotId: string) => boolean, log: Log) {
    this.#tasks = tasks;
    this.#isNeeded = isNeeded;
    this.#log = log;
    this.#timer = reapRegularly(() => this.renewDue(Date.now()));
  }

  async renewDue(nowMs: number): Promise<void> {
    const due = this.#tasks().filter((task) => this.#isDue(task, nowMs));
    await Promise.all(due.map((task) => this.#renew(task, nowMs)));
  }

  #isDue(task: Task, nowMs: number): boolean {
    const { snapshot_every_seconds: seconds, automatic_snapshot: last, created_at, tried_for } = task.record;
    if (seconds === 0 || tried_for !== null || !task.isStarted || this.#underWay.has(task)) return false;
    const lastMs = Math.max(this.#begunMs.get(task) ?? 0, Date.parse(last?.created_at ?? created_at));
    return nowMs - lastMs >= seconds * 1000;
  }

  async #renew(task: Task, nowMs: number): Promise<void> {
    const { taskId, vm, deleted } = task;
    this.#underWay.add(task);
    this.#begunMs.set(task, nowMs);
    try {
      await renewAutomatic(vm, this.#isNeeded, deleted);
      vm.snapshotError = null;
    } catch (error) {
      if (deleted.aborted) return;
      vm.snapshotError = PyroError.from(error).message;
      this.#log.warn({ task: taskId, err: error }, "an automatic snapshot could not be made");
    } finally {
      this.#underWay.delete(task);
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
