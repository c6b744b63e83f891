import type { Handler } from "./core.js";
import { followToEnd } from "./task-exec.js";

export const taskFollow: Handler<"task.follow"> = async (core, input, call) => {
  const task = core.tasks.get(input.task_id);
  const exec = task.find(input.sequence);
  return followToEnd(task, exec, { stdout: input.stdout_offset, stderr: input.stderr_offset }, call);
};
