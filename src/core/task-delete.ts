import type { Handler } from "./core.js";

export const taskDelete: Handler<"task.delete"> = async (core, input) => {
  await core.tasks.delete(input.task_id);
  return { task_id: input.task_id, deleted: true };
};
