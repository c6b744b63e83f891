import { z } from "zod";

import { command, cwd, defaultTimeoutSeconds, env, requestId, timeoutSeconds } from "./fields.js";
import { defineOperation } from "./operation.js";
import { taskExecOutcome, taskId } from "./task.js";

export const taskExec = defineOperation({
  name: "task.exec",
  summary: "Run a command in a task; the task stays",
  input: z.strictObject({
    task_id: taskId,
    command,
    timeout_seconds: timeoutSeconds.describe(
      "Seconds until the command is killed. Without it: none in the background, else the task's own, else the default.",
    ),
    cwd,
    env,
    background: z.boolean().default(false).describe("Answer at once; the command goes on without standard input."),
    request_id: requestId,
    default_timeout_seconds: defaultTimeoutSeconds,
  }),
  output: taskExecOutcome,
  streams: true,
  stdin: true,
  cli: { words: ["task", "exec"], positionals: ["task_id"], rest: "command" },
  sdk: "execTask",
  mcp: "task_exec",
});
