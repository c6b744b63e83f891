import { z } from "zod";

import { command, cwd, env, time } from "./fields.js";
import { execSequence, execState, taskId } from "./task.js";
import { terminalSize } from "./terminal.js";

export const shellName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "expected a name of at most 63 letters, digits and _ . -")
  .default("main")
  .describe("Name of the shell in its task.");

const { rows, cols } = terminalSize.shape;

/** A terminal of a task, by its name. */
export const shell = z
  .object({
    name: z.string(),
    sequence: execSequence,
    state: execState,
    command: z.string(),
    rows: rows.describe("Height in lines."),
    cols: cols.describe("Width in characters."),
    started_at: time,
  })
  .meta({ title: "Shell", description: "A shell of a task." });

export const shellReference = { task_id: taskId, name: shellName };

/** How a shell is opened, unless one of its name runs. */
export const shellFields = {
  ...shellReference,
  command: command.optional().describe("Command of a new shell; default: bash, or sh in an environment without bash."),
  cwd,
  env,
  rows: rows.default(24).describe("Height of a new terminal in lines."),
  cols: cols.default(80).describe("Width of a new terminal in characters."),
};
