import { z } from "zod";

import { interleaved } from "./fields.js";
import { defineOperation } from "./operation.js";
import { taskExecOutcome, taskId } from "./task.js";

const offset = z.int().min(0).default(0);

/** Attaches to a running command by its number. A client whose connection broke calls it. Cancelling it ends the command. */
export const taskFollow = defineOperation({
  name: "task.follow",
  summary: "Follow a command of a task from an offset in its output",
  effect: "runs",
  input: z.strictObject({
    task_id: taskId,
    sequence: z.int().min(1).describe("Number of the command."),
    stdout_offset: offset.describe("Bytes of standard output that the client has received."),
    stderr_offset: offset.describe("Bytes of standard error that the client has received."),
    interleaved,
  }),
  output: taskExecOutcome,
  streams: true,
  cli: null,
  sdk: null,
  mcp: null,
});
