import { z } from "zod";

import { defineOperation } from "./operation.js";
import { shell, shellFields, shellName } from "./shell.js";
import { taskId } from "./task.js";
import { command } from "./fields.js";
import { screenWait } from "./task-shell-read.js";
import { taskExecSignal } from "./task-exec-signal.js";

/** Attaches the terminal of the CLI. */
export const taskShellAttach = defineOperation({
  name: "task.shell.attach",
  summary: "Open a named terminal in a task, or attach to it again; Ctrl-\\ twice detaches",
  effect: "runs",
  isLocal: true,
  input: z.strictObject(shellFields).omit({ rows: true, cols: true }),
  output: shell.extend({ task_id: z.string() }),
  cli: {
    words: ["task", "shell"],
    positionals: ["task_id"],
    flags: { view: "Watch only: type nothing, and leave the keyboard to others." },
    examples: ["pyro task shell TASK", "pyro task shell TASK --name build --view"],
  },
  sdk: null,
  mcp: null,
});

/** The operations on shells as one tool, since each tool costs every session its schema. */
export const taskShell = defineOperation({
  name: "task.shell",
  summary: "Work in the shells of a task",
  effect: "runs",
  isLocal: true,
  input: z.strictObject({
    task_id: taskId,
    action: z.enum(["open", "write", "read", "signal", "close", "list"]),
    name: shellName,
    command: command.optional().describe("For open; default: bash."),
    text: z.string().max(65_536).optional().describe("For write. A newline is Enter, \\u0003 is Ctrl-C."),
    signal: taskExecSignal.input.shape.signal.describe("For signal."),
    offset: z.int().min(0).optional().describe("Of the last answer: also shows what scrolled since."),
    ...screenWait,
  }),
  output: z.object({ task_id: z.string() }).loose(),
  cli: null,
  sdk: null,
  mcp: {
    tool: "task_shell",
    title: "Terminal",
    description:
      "A terminal that stays, for interactive programs: open it, write to it, read its screen. Each action but close and list returns the screen after its output has paused.",
    profile: "full",
    textOnly: true,
  },
});
