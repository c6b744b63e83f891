import { z } from "zod";

import { interleaved } from "./fields.js";
import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { execSequence, taskExecOutcome, taskId } from "./task.js";

export const taskWait = defineOperation({
  name: "task.wait",
  summary: "Wait until a command of a task has ended, and return its result",
  details: "If the command has not ended in that time, the result's state is `running` and the command keeps running.",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    sequence: execSequence,
    timeout_seconds: z
      .int()
      .min(0)
      .max(limits.timeoutSeconds.max)
      .optional()
      .meta({ waits: true })
      .describe("Seconds to wait; without it, until the command ends."),
    interleaved,
  }),
  output: taskExecOutcome,
  bulk: ["stdout", "stderr"],
  cli: {
    words: ["task", "wait"],
    positionals: ["task_id", "sequence"],
    examples: ["pyro task wait TASK 3", "pyro task wait TASK 3 --timeout-seconds 600 && echo passed"],
  },
  sdk: { method: "waitTask" },
  mcp: {
    tool: "task_wait",
    title: "Wait for a command",
    description:
      "Waits until a command has ended and returns its result. After 45 s it returns state running: call it again. For output meanwhile use task_exec_output.",
  },
});
