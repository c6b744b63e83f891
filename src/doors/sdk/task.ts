/// <reference lib="esnext.disposable" preserve="true" />
import { PyroError } from "../../contract/errors.js";
import type { ByteStream } from "./byte-stream.js";
import type {
  StreamTaskExportOptions,
  StreamTaskFileOptions,
  WatchTaskEvent,
  WatchTaskOptions,
} from "./call-options.js";
import type { Execution } from "./execution.js";
import { TaskOperations, type Operations } from "./operations.js";
import type { TaskExecOptions } from "./options.js";
import type { CreatedTask, TaskExecResult } from "./results.js";
import type { Shell, ShellTaskOptions } from "./shell.js";
import { sh, type ShellValue } from "./sh.js";

/** Runs a template as a command, with quoted values. Called with options, returns a tag that uses them. */
export interface CommandTag {
  (texts: TemplateStringsArray, ...values: readonly ShellValue[]): Execution<TaskExecResult>;
  (
    options: TaskExecOptions,
  ): (texts: TemplateStringsArray, ...values: readonly ShellValue[]) => Execution<TaskExecResult>;
}

/** The operations that are read as streams. */
interface Streams {
  streamTaskFile(taskId: string, path: string, options: StreamTaskFileOptions): ByteStream;
  streamTaskExport(taskId: string, path: string, options: StreamTaskExportOptions): ByteStream;
  shellTask(taskId: string, options: ShellTaskOptions): Promise<Shell>;
  watchTask(taskId: string, sourcePath: string, options: WatchTaskOptions): AsyncGenerator<WatchTaskEvent>;
}

/**
 * A persistent VM with its commands and logs. `await using task = …` deletes it at the end of the block.
 * Methods reject with `NOT_FOUND` when the task was deleted or has expired.
 */
export class Task extends TaskOperations implements AsyncDisposable {
  /** The task's state when this handle was created; `status()` returns the current one. */
  readonly info: CreatedTask;

  readonly #streams: Streams;

  constructor(operations: Operations & Streams, info: CreatedTask) {
    super(operations, info.taskId);
    this.#streams = operations;
    this.info = info;
  }

  /** The bytes of a file, as they are read: see `Pyro.streamTaskFile`. */
  streamFile(path: string, options: StreamTaskFileOptions = {}): ByteStream {
    return this.#streams.streamTaskFile(this.taskId, path, options);
  }

  /** Pushes a directory whenever something in it changes: see `Pyro.watchTask`. */
  watch(sourcePath: string, options: WatchTaskOptions = {}): AsyncGenerator<WatchTaskEvent> {
    return this.#streams.watchTask(this.taskId, sourcePath, options);
  }

  /** A named terminal in both directions: see `Pyro.shellTask`. */
  shell(options: ShellTaskOptions = {}): Promise<Shell> {
    return this.#streams.shellTask(this.taskId, options);
  }

  /** Files as a tar archive, as they are read: see `Pyro.streamTaskExport`. */
  streamExport(path: string, options: StreamTaskExportOptions = {}): ByteStream {
    return this.#streams.streamTaskExport(this.taskId, path, options);
  }

  /** Runs a command, given as a template: `` await task.$`git clone ${url}` ``, or `` task.$({ timeoutSeconds: 600 })`make` ``. */
  readonly $ = ((first: TemplateStringsArray | TaskExecOptions, ...values: readonly ShellValue[]) => {
    if (isTemplate(first)) return this.exec(sh(first, ...values));
    return (texts: TemplateStringsArray, ...inner: readonly ShellValue[]) => this.exec(sh(texts, ...inner), first);
  }) as CommandTag;

  /** Deletes the task. Does not fail if it was already deleted. */
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
