import { z } from "zod";

import { filePath, numberedText, fileUser } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileEdit = defineOperation({
  name: "task.file.edit",
  summary: "Replace a text in a file of a task",
  details:
    "Fails with `FILE_EDIT_MISMATCH`, whose details have the number of matches, and with `FILE_CHANGED` if another process changed the file at the same time; nothing is written then.",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    path: filePath,
    old: z.string().min(1).describe("Exact text to be replaced; it must be there once."),
    new: z.string().describe("Text to take its place."),
    all: z.boolean().default(false).describe("Replace every occurrence."),
    user: fileUser,
  }),
  output: z
    .object({
      task_id: z.string(),
      path: z.string(),
      replaced: z.int().min(1).describe("Occurrences replaced."),
      text: numberedText.describe("The lines around the first replacement as they are now, numbered."),
    })
    .meta({ title: "EditedFile", description: "A file of a task in which a text was replaced." }),
  cli: null,
  sdk: { method: "editTaskFile", named: ["old", "new"] },
  mcp: {
    tool: "task_file_edit",
    title: "Edit a file of a task",
    description: "Replaces exact text in a file of the task's VM, and returns the lines as they are now.",
    profile: "core",
  },
});
