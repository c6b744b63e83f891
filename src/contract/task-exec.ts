import { z } from "zod";

import { command, timeoutSeconds } from "./fields.js";
import { defineOperation } from "./operation.js";
import { taskExecOutcome, taskId } from "./task.js";

export const taskExec = defineOperation({
  name: "task.exec",
  summary: "Run a command in a task; the task stays",
  input: z.strictObject({
    task_id: taskId,
    command,
    timeout_seconds: timeoutSeconds,
    cwd: z.string().max(4096).default("/workspace").describe("Directory in which it runs."),
    env: z.record(z.string().min(1).max(256), z.string().max(32_768)).default({}).describe("Further environment."),
  }),
  output: taskExecOutcome,
  streams: true,
  stdin: true,
  cli: { words: ["task", "exec"], positionals: ["task_id"], rest: "command" },
  sdk: "execTask",
  mcp: "task_exec",
});
