import { z } from "zod";

import { defineOperation } from "./operation.js";
import { task, taskId } from "./task.js";

export const taskStatus = defineOperation({
  name: "task.status",
  summary: "Show one task",
  effect: "reads",
  input: z.strictObject({ task_id: taskId }),
  output: task,
  cli: { words: ["task", "status"], positionals: ["task_id"] },
  sdk: { method: "statusTask" },
  mcp: {
    tool: "task_status",
    title: "Show a task",
    description: "State, resources, expiry and last command of one task.",
    profile: "core",
  },
});
