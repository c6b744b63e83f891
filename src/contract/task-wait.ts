import { z } from "zod";

import { interleaved } from "./fields.js";
import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { execSequence, taskExecOutcome, taskId } from "./task.js";

export const taskWait = defineOperation({
  name: "task.wait",
  summary: "Wait until a command of a task has ended, and return its result",
  details: "When the time is over before the command has ended, the result says `running`; the command goes on.",
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
      .describe("Seconds to wait; without it as long as the command runs."),
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
      "Waits until a command has ended and returns its result; after 45 s at most it is answered with state running: call it again. For output on the way use task_exec_output.",
  },
});
