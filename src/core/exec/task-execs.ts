import { PyroError } from "../../contract/errors.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import type { JournalEntry } from "../../store/journal-entry.js";
import type { Journal } from "../../store/journal.js";
import type { CarriedExec } from "../../store/snapshot-facts.js";
import { adoptCarried } from "./carried.js";
import type { ExecHost } from "./exec-outcome.js";
import { TaskExec } from "./task-exec.js";

/** The commands of one task, by number and by request id. */
export class TaskExecs {
  readonly #host: ExecHost;
  readonly #bySequence = new Map<number, TaskExec>();
  readonly #byRequest = new Map<string, Promise<TaskExec>>();
  /** Commands whose start is being written. */
  readonly #starting = new Set<Promise<TaskExec>>();

  /** Restores the commands that a journal records. */
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

  /** The outcomes or present states of all, the first command first. */
  async outcomes(interleaved: boolean): Promise<ResultOf<"task.exec">[]> {
    const outcomes = [];
    for (const exec of this.all) outcomes.push(await exec.outcome(interleaved));
    return outcomes;
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

  /** Lists the commands of a snapshot as commands of this task, which run already. */
  async adopt(carried: readonly CarriedExec[], journal: Journal): Promise<void> {
    const started = adoptCarried(carried, new Set(this.#bySequence.keys()), new Date().toISOString());
    await Promise.all(started.map((entry) => journal.append(entry)));
    for (const entry of started) this.add(new TaskExec(this.#host, entry, null));
  }

  /** Removes one whose start could not be recorded. */
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

  /** Resolves when each requested command has reached the guest, or failed to. */
  async begun(): Promise<void> {
    await Promise.allSettled(this.#starting);
    await Promise.all(this.running.map((exec) => exec.begun()));
  }

  /** The running commands, in the form that a snapshot records. */
  carry(): CarriedExec[] {
    return this.running.flatMap((exec) => exec.carry() ?? []);
  }

  /** The command that has the request id of a call; null when there is none. Throws INVALID_ARGUMENT when the id belongs to another command. */
  async earlier(input: InputOf<"task.exec">): Promise<TaskExec | null> {
    const earlier = input.request_id === undefined ? undefined : this.#byRequest.get(input.request_id);
    return earlier === undefined ? null : assertSame(await earlier, input);
  }

  /** Returns the command that has this request id, or starts it, once. Throws INVALID_ARGUMENT when the id belongs to another command. */
  async once(input: InputOf<"task.exec">, start: () => Promise<TaskExec>): Promise<TaskExec> {
    const { request_id: requestId } = input;
    if (requestId !== undefined && this.#byRequest.has(requestId)) return (await this.earlier(input))!;
    const starting = start();
    this.#starting.add(starting);
    if (requestId !== undefined) this.#byRequest.set(requestId, starting);
    const settle = () => this.#starting.delete(starting);
    starting.then(settle, () => {
      settle();
      if (requestId !== undefined) this.#byRequest.delete(requestId);
    });
    return starting;
  }
}

function assertSame(exec: TaskExec, { command, cwd }: InputOf<"task.exec">): TaskExec {
  if (exec.started.command === command && (cwd === undefined || exec.started.cwd === cwd)) return exec;
  throw new PyroError("INVALID_ARGUMENT", "The request id was used for another command.", {
    hint: "Choose a new one for each command.",
    details: { sequence: exec.started.sequence },
  });
}
