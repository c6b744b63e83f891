import { z } from "zod";

import { interleaved } from "./fields.js";
import { defineOperation } from "./operation.js";
import { taskExecOutcome, taskId } from "./task.js";

export const taskLogs = defineOperation({
  name: "task.logs",
  summary: "Show every command of a task with its output",
  effect: "reads",
  input: z.strictObject({ task_id: taskId, interleaved }),
  output: z.object({ task_id: z.string(), count: z.int(), entries: z.array(taskExecOutcome) }).meta({
    title: "TaskLogs",
    description: "Every command of a task, including running ones, ordered by number.",
  }),
  bulk: ["entries[].stdout", "entries[].stderr"],
  cli: { words: ["task", "logs"], positionals: ["task_id"] },
  sdk: { method: "logsTask" },
  mcp: {
    tool: "task_logs",
    title: "Show a task's history",
    description:
      "Every command of a task with its exit_code and the beginning and end of its output, even when the VM has died. For all output of one command use task_exec_output.",
  },
});
