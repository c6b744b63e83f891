import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskExecOutcome, taskId } from "./task.js";

export const taskLogs = defineOperation({
  name: "task.logs",
  summary: "Show every command of a task with its output",
  input: z.strictObject({ task_id: taskId }),
  output: z.object({ task_id: z.string(), count: z.int(), entries: z.array(taskExecOutcome) }),
  streams: false,
  stdin: false,
  readOnly: true,
  cli: { words: ["task", "logs"], positionals: ["task_id"] },
  sdk: "logsTask",
  mcp: "task_logs",
});
