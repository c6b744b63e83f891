import { z } from "zod";

import { interleaved } from "./fields.js";
import { defineOperation } from "./operation.js";
import { taskExecOutcome, taskId } from "./task.js";
import { terminalSize } from "./terminal.js";

const offset = z.int().min(0).default(0);

/**
 * Attaches to a running command by its number. A client whose connection broke calls it. Cancelling it ends the command. With `keyboard` the
 * standard input of the call is typed into the command's terminal; a client that typed before is detached with ABORTED.
 */
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
    keyboard: z.boolean().default(false).describe("Type standard input into the command's terminal."),
    rows: terminalSize.shape.rows.optional().describe("New height of the terminal."),
    cols: terminalSize.shape.cols.optional().describe("New width of the terminal."),
  }),
  output: taskExecOutcome,
  streams: true,
  body: "session",
  cli: null,
  sdk: null,
  mcp: null,
});
