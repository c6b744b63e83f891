import type { Log } from "../../host/log.js";
import { reapRegularly } from "../lifecycle/expiry.js";
import { stopTask } from "./branches/stop.js";
import type { Task } from "./task.js";

/** Stops tasks that were unused for their idle time. */
export class IdleStops {
  readonly #tasks: () => readonly Task[];
  readonly #log: Log;
  readonly #timer: NodeJS.Timeout;
  /** The last use of each task that is being stopped, or could not be: it is tried again after the next use. */
  readonly #tried = new Map<string, string>();

  constructor(tasks: () => readonly Task[], log: Log) {
    this.#tasks = tasks;
    this.#log = log;
    this.#timer = reapRegularly(() => this.stopIdle(Date.now()));
  }

  async stopIdle(now: number): Promise<void> {
    const idle = this.#tasks().filter((task) => task.isIdle(now) && this.#tried.get(task.taskId) !== task.lastUsedAt);
    for (const task of idle) this.#tried.set(task.taskId, task.lastUsedAt);
    await Promise.all(idle.map((task) => this.#stop(task)));
  }

  async #stop(task: Task): Promise<void> {
    try {
      await stopTask(task.vm, { signal: new AbortController().signal });
      this.#log.info({ task: task.taskId }, "an idle task was stopped");
    } catch (error) {
      this.#log.warn({ task: task.taskId, err: error }, "an idle task could not be stopped");
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
