import { join } from "node:path";

import { PyroError } from "../contract/errors.js";
import { newId } from "../host/new-id.js";

/**
 * Where a task's files are: `tasks/TASK_ID/` has `task.json`, `journal.ndjson`, `pushed/` and `execs/SEQUENCE/`,
 * which has the segments of `stdout` and `stderr`, and their `order`.
 */

export const taskFile = "task.json";

/** `task-` and twelve lower-case hexadecimal digits; nothing else ever becomes part of a path. */
export function isTaskId(text: string): boolean {
  return /^task-[0-9a-f]{12}$/.test(text);
}

export function newTaskId(): string {
  return newId("task");
}

/** Throws NOT_FOUND for an invalid id: no task can have it. */
export function taskDirectoryPath(tasksPath: string, taskId: string): string {
  if (!isTaskId(taskId)) {
    throw new PyroError("NOT_FOUND", "No task has this id.", {
      hint: "List the tasks with `pyro task list`.",
      details: { task_id: taskId.slice(0, 128) },
    });
  }
  return join(tasksPath, taskId);
}

export function journalPath(taskDirectory: string): string {
  return join(taskDirectory, "journal.ndjson");
}

/** Where the disk of a task's VM is kept after its end. */
export function diskPath(taskDirectory: string): string {
  return join(taskDirectory, "disk");
}

export function execDirectoryPath(taskDirectory: string, sequence: number): string {
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw new PyroError("INTERNAL", "Exec numbers start at 1.");
  return join(taskDirectory, "execs", String(sequence));
}
