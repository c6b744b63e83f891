import { PyroError } from "../../contract/errors.js";
import type { InputOf } from "../../contract/operations.js";
import type { JournalEntry } from "../../store/journal-entry.js";
import { TaskExec, type ExecHost } from "./task-exec.js";

/** The commands of one task, by number and by request id. */
export class TaskExecs {
  readonly #host: ExecHost;
  readonly #bySequence = new Map<number, TaskExec>();
  readonly #byRequest = new Map<string, Promise<TaskExec>>();

  /** Those of a journal. */
  constructor(host: ExecHost, entries: readonly JournalEntry[]) {
    this.#host = host;
    const ends = new Map(entries.flatMap((entry) => (entry.event === "exec.ended" ? [[entry.sequence, entry]] : [])));
    for (const entry of entries) {
      if (entry.event !== "exec.started") continue;
      const exec = new TaskExec(host, entry, ends.get(entry.sequence) ?? null);
      this.add(exec);
      if (entry.request_id !== undefined) this.#byRequest.set(entry.request_id, Promise.resolve(exec));
    }
  }

  get all(): TaskExec[] {
    return [...this.#bySequence.values()];
  }

  get running(): TaskExec[] {
    return this.all.filter((exec) => exec.isRunning);
  }

  get nextSequence(): number {
    return Math.max(0, ...this.#bySequence.keys()) + 1;
  }

  /** The highest number of a job that the guest may know. */
  get lastJob(): number {
    return Math.max(0, ...this.all.map(({ started }) => started.job));
  }

  add(exec: TaskExec): void {
    this.#bySequence.set(exec.started.sequence, exec);
  }

  /** Forgets one that could not be written down. */
  remove(exec: TaskExec): void {
    this.#bySequence.delete(exec.started.sequence);
  }

  find(sequence: number): TaskExec {
    const exec = this.#bySequence.get(sequence);
    if (exec) return exec;
    const { taskId } = this.#host;
    throw new PyroError("NOT_FOUND", `Task ${taskId} has no command ${sequence}.`, {
      hint: `Commands so far: ${this.#bySequence.size}; see \`pyro task logs ${taskId}\`.`,
      details: { task_id: taskId, sequence },
    });
  }

  /** Returns the command that has this request id, or starts it, once. Throws INVALID_ARGUMENT when the id belongs to another command. */
  async once(input: InputOf<"task.exec">, start: () => Promise<TaskExec>): Promise<TaskExec> {
    const { request_id: requestId } = input;
    if (requestId === undefined) return start();
    const earlier = this.#byRequest.get(requestId);
    if (earlier) return assertSame(await earlier, input);
    const starting = start();
    this.#byRequest.set(requestId, starting);
    starting.catch(() => this.#byRequest.delete(requestId));
    return starting;
  }
}

function assertSame(exec: TaskExec, { command, cwd }: InputOf<"task.exec">): TaskExec {
  if (exec.started.command === command && exec.started.cwd === cwd) return exec;
  throw new PyroError("INVALID_ARGUMENT", "The request id was used for another command.", {
    hint: "Choose a new one for each command.",
    details: { sequence: exec.started.sequence },
  });
}
