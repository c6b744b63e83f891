/// <reference lib="esnext.disposable" preserve="true" />
import { PyroError } from "../../contract/errors.js";
import type { Execution } from "./execution.js";
import { TaskOperations, type Operations } from "./operations.js";
import type { TaskExecOptions } from "./options.js";
import type { CreatedTask, TaskExecResult } from "./results.js";
import { sh, type ShellValue } from "./sh.js";

/** Runs a template as a command, its values quoted; called with options first, it gives a tag that uses them. */
export interface CommandTag {
  (texts: TemplateStringsArray, ...values: readonly ShellValue[]): Execution<TaskExecResult>;
  (
    options: TaskExecOptions,
  ): (texts: TemplateStringsArray, ...values: readonly ShellValue[]) => Execution<TaskExecResult>;
}

/**
 * A VM that stays, and everything that ever ran in it. `await using task = …` deletes it at the end of the block.
 * Methods reject with `NOT_FOUND` once it is deleted or has expired.
 */
export class Task extends TaskOperations implements AsyncDisposable {
  /** What was known of it when this handle was made; `status()` asks anew. */
  readonly info: CreatedTask;

  constructor(operations: Operations, info: CreatedTask) {
    super(operations, info.taskId);
    this.info = info;
  }

  /** Runs a command, given as a template: `` await task.$`git clone ${url}` ``, or `` task.$({ timeoutSeconds: 600 })`make` ``. */
  readonly $ = ((first: TemplateStringsArray | TaskExecOptions, ...values: readonly ShellValue[]) => {
    if (isTemplate(first)) return this.exec(sh(first, ...values));
    return (texts: TemplateStringsArray, ...inner: readonly ShellValue[]) => this.exec(sh(texts, ...inner), first);
  }) as CommandTag;

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
