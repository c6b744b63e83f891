import { z } from "zod";

import { interleaved } from "./fields.js";
import { defineOperation } from "./operation.js";
import { taskExecOutcome, taskId } from "./task.js";

const offset = z.int().min(0).default(0);

/** Finds a command again, by its number: what a client does whose connection broke. Cancelling it ends the command. */
export const taskFollow = defineOperation({
  name: "task.follow",
  summary: "Follow a command of a task from a place in its output",
  effect: "runs",
  input: z.strictObject({
    task_id: taskId,
    sequence: z.int().min(1).describe("Number of the command."),
    stdout_offset: offset.describe("Bytes of standard output seen already."),
    stderr_offset: offset.describe("Bytes of standard error seen already."),
    interleaved,
  }),
  output: taskExecOutcome,
  streams: true,
  cli: null,
  sdk: null,
  mcp: null,
});
