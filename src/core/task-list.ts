import type { Handler } from "./core.js";

export const taskList: Handler<"task.list"> = async (core, { labels }) => ({ tasks: await core.tasks.list(labels) });
