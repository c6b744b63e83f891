import { z } from "zod";

import { limits } from "./limits.js";
import { defineOperation } from "./operation.js";
import { shell, shellReference } from "./shell.js";

const { waitSeconds } = limits;

export const screenWait = {
  wait_for: z
    .string()
    .max(1_024)
    .optional()
    .describe("Text to wait for on the screen. Default: until there was no output for half a second."),
  wait_seconds: z
    .int()
    .min(waitSeconds.min)
    .max(waitSeconds.max)
    .default(10)
    .meta({ waits: true })
    .describe("Seconds to wait at most."),
};

/** The screen of a terminal as text. */
const screen = z
  .object({
    ...shell.shape,
    exit_code: z.int().nullable().describe("Null while it runs, and when it ended without an exit code."),
    screen: z.string().describe("The visible lines, without spaces at their ends."),
    scrolled: z.string().describe("Lines that have left the screen since the cursor of the call."),
    cursor_row: z.int().describe("Line of the cursor on the screen, from 1."),
    cursor_col: z.int().describe("Column of the cursor, from 1."),
    offset: z.int().min(0).describe("Cursor to pass to the next call."),
    found: z.boolean().describe("True when the text, or the end of output, came in time."),
  })
  .meta({ title: "Screen", description: "What a terminal shows." });

export const taskShellRead = defineOperation({
  name: "task.shell.read",
  summary: "Read the screen of a shell of a task, as text",
  details: "Fails with `NOT_FOUND` when the task never had a shell of the name.",
  effect: "reads",
  isLocal: true,
  input: z.strictObject({
    ...shellReference,
    offset: z.int().min(0).optional().describe("Cursor of the last answer; default: the beginning of what is shown."),
    ...screenWait,
  }),
  output: screen.extend({ task_id: z.string() }).meta({ title: "ShellScreen", description: "What a shell shows." }),
  cli: null,
  sdk: { method: "readShell" },
  mcp: null,
});
