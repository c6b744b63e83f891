import type { Handler } from "./core.js";

export const taskSyncPush: Handler<"task.sync.push"> = async (core, input, call) => {
  const task = core.tasks.get(input.task_id);
  return task.during(task.push(input, call));
};
