import type { Handler } from "./core.js";

export const taskLogs: Handler<"task.logs"> = async (core, input) => core.tasks.get(input.task_id).logs();
