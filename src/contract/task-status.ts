import { z } from "zod";

import { defineOperation } from "./operation.js";
import { task, taskId } from "./task.js";

export const taskStatus = defineOperation({
  name: "task.status",
  summary: "Show one task",
  input: z.strictObject({ task_id: taskId }),
  output: task,
  streams: false,
  stdin: false,
  readOnly: true,
  cli: { words: ["task", "status"], positionals: ["task_id"] },
  sdk: "statusTask",
  mcp: "task_status",
});
