import type { InputOf } from "../../contract/operations.js";
import { removeTaskDirectory } from "../../store/task-directories.js";
import type { Call } from "../call.js";
import { createTask, type NewTaskParts } from "./create-task.js";
import type { Task } from "./task.js";

/** Works in a task that is not listed. It is removed when the work ends, and when the daemon dies. */
export async function inPassingTask<T>(
  parts: NewTaskParts,
  input: InputOf<"task.create">,
  { purpose, call }: { readonly purpose: string; readonly call: Call },
  work: (task: Task) => Promise<T>,
): Promise<T> {
  const task = await createTask(parts, input, call, { triedFor: purpose });
  try {
    return await work(task);
  } finally {
    await task.end();
    await removeTaskDirectory(parts.tasksPath, task.taskId);
  }
}
