import type { Handler } from "./core.js";

export const taskList: Handler<"task.list"> = async (core) => ({ tasks: await core.tasks.list() });
