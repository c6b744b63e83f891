import { z } from "zod";

import { defineOperation } from "./operation.js";
import { shell, shellFields, shellReference } from "./shell.js";
import { taskId } from "./task.js";

export const taskShellOpen = defineOperation({
  name: "task.shell.open",
  summary: "Start a named terminal in a task, unless it runs",
  details:
    "It keeps running without its client and daemon, until its command ends or `task.shell.close`. A stopped task is started first.",
  effect: "runs",
  input: z.strictObject(shellFields),
  output: shell
    .extend({ task_id: z.string(), created: z.boolean().describe("False when it ran before.") })
    .meta({ title: "OpenedShell", description: "A shell that runs." }),
  cli: null,
  sdk: { method: "openShell" },
  mcp: null,
});

export const taskShellList = defineOperation({
  name: "task.shell.list",
  summary: "List the shells of a task",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    all: z.boolean().default(false).describe("Also the last one of each name that has ended."),
  }),
  output: z
    .object({ task_id: z.string(), shells: z.array(shell) })
    .meta({ title: "ShellList", description: "Shells of a task." }),
  cli: { words: ["task", "shell", "list"], positionals: ["task_id"] },
  sdk: { method: "listShells" },
  mcp: null,
});

export const taskShellWrite = defineOperation({
  name: "task.shell.write",
  summary: "Type a text into a shell of a task",
  details: "Fails with `NOT_FOUND` when no shell of the name runs.",
  effect: "runs",
  input: z.strictObject({
    ...shellReference,
    text: z
      .string()
      .min(1)
      .max(65_536)
      .describe("What to type. A newline is the Enter key; \\u0003 is Ctrl-C, \\u001b is Escape."),
  }),
  output: z
    .object({ task_id: z.string(), name: z.string(), written_bytes: z.int().min(0) })
    .meta({ title: "TypedText", description: "A text that was typed." }),
  cli: null,
  sdk: { method: "writeShell" },
  mcp: null,
});

export const taskShellClose = defineOperation({
  name: "task.shell.close",
  summary: "Hang up a shell of a task, and end everything that it has started",
  details: "Its command gets HUP; 2 s later it is killed. Fails with `NOT_FOUND` when no shell of the name runs.",
  effect: "stops",
  input: z.strictObject(shellReference),
  output: shell.extend({ task_id: z.string() }).meta({ title: "ClosedShell", description: "A shell that was closed." }),
  cli: { words: ["task", "shell", "close"], positionals: ["task_id", "name"] },
  sdk: { method: "closeShell" },
  mcp: null,
});
