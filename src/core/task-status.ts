import type { Handler } from "./core.js";

export const taskStatus: Handler<"task.status"> = async (core, input) => core.tasks.view(input.task_id);
