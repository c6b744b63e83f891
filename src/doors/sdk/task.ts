/// <reference lib="esnext.disposable" preserve="true" />
import { PyroError } from "../../contract/errors.js";
import type { Execution } from "./execution.js";
import type {
  Command,
  ExecTaskOptions,
  OutputOptions,
  PushOptions,
  SignalName,
  SignalOptions,
  TaskExecOptions,
} from "./options.js";
import type {
  CommandOutput,
  CreatedTask,
  DeletedTask,
  PushResult,
  SentSignal,
  TaskExecResult,
  TaskInfo,
  TaskLogs,
} from "./results.js";
import { sh, type ShellValue } from "./sh.js";

/** Runs a template as a command, its values quoted; called with options first, it gives a tag that uses them. */
export interface CommandTag {
  (texts: TemplateStringsArray, ...values: readonly ShellValue[]): Execution<TaskExecResult>;
  (
    options: TaskExecOptions,
  ): (texts: TemplateStringsArray, ...values: readonly ShellValue[]) => Execution<TaskExecResult>;
}

/** What a task's handle asks of pyro. */
interface TaskOperations {
  execTask(taskId: string, options: ExecTaskOptions): Execution<TaskExecResult>;
  outputTask(taskId: string, sequence: number, options?: OutputOptions): Promise<CommandOutput>;
  signalTask(taskId: string, sequence: number, options?: SignalOptions): Promise<SentSignal>;
  pushTaskSync(taskId: string, sourcePath: string, options?: PushOptions): Promise<PushResult>;
  statusTask(taskId: string): Promise<TaskInfo>;
  logsTask(taskId: string): Promise<TaskLogs>;
  deleteTask(taskId: string): Promise<DeletedTask>;
}

/**
 * A VM that stays, and everything that ever ran in it. `await using task = …` deletes it at the end of the block.
 * Methods reject with `NOT_FOUND` once it is deleted or has expired.
 */
export class Task implements AsyncDisposable {
  readonly taskId: string;
  /** What was known of it when this handle was made; `status()` asks anew. */
  readonly info: CreatedTask;
  readonly #pyro: TaskOperations;

  constructor(pyro: TaskOperations, info: CreatedTask) {
    this.#pyro = pyro;
    this.taskId = info.taskId;
    this.info = info;
  }

  /**
   * Runs a command in `/workspace`; several may run at once. When the daemon dies meanwhile, the command goes on, and so does
   * this call. Rejects with `FAILED_PRECONDITION` when the VM is gone, `RESOURCE_EXHAUSTED` when 64 commands run already.
   */
  exec(command: Command, options: TaskExecOptions = {}): Execution<TaskExecResult> {
    return this.#pyro.execTask(this.taskId, { ...options, command });
  }

  /** The same with a template: `` await task.$`git clone ${url}` ``, or `` task.$({ timeoutSeconds: 600 })`make` ``. */
  readonly $ = ((first: TemplateStringsArray | TaskExecOptions, ...values: readonly ShellValue[]) => {
    if (isTemplate(first)) return this.exec(sh(first, ...values));
    return (texts: TemplateStringsArray, ...inner: readonly ShellValue[]) => this.exec(sh(texts, ...inner), first);
  }) as CommandTag;

  /** What a command of it wrote, from a place on; can wait for more. `sequence` is the command's number. */
  output(sequence: number, options: OutputOptions = {}): Promise<CommandOutput> {
    return this.#pyro.outputTask(this.taskId, sequence, options);
  }

  /** Sends a signal to a running command and all it started. */
  signal(sequence: number, signal: SignalName = "TERM"): Promise<SentSignal> {
    return this.#pyro.signalTask(this.taskId, sequence, { signal });
  }

  /** Brings a directory or an archive of this machine into the workspace, all of it or nothing: see `Pyro.pushTaskSync`. */
  syncPush(sourcePath: string, options: PushOptions = {}): Promise<PushResult> {
    return this.#pyro.pushTaskSync(this.taskId, sourcePath, options);
  }

  /** What is known of it now. */
  status(): Promise<TaskInfo> {
    return this.#pyro.statusTask(this.taskId);
  }

  /** Every command with its output, also after its VM has died. */
  logs(): Promise<TaskLogs> {
    return this.#pyro.logsTask(this.taskId);
  }

  /** Removes it with its VM and its logs; commands that run are aborted. */
  delete(): Promise<DeletedTask> {
    return this.#pyro.deleteTask(this.taskId);
  }

  /** Deletes it; fine when it is deleted already. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.delete();
    } catch (error) {
      if (!(error instanceof PyroError) || error.code !== "NOT_FOUND") throw error;
    }
  }
}

function isTemplate(value: TemplateStringsArray | TaskExecOptions): value is TemplateStringsArray {
  return Array.isArray(value);
}
