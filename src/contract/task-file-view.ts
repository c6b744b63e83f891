import { z } from "zod";

import { filePath, fileViewLines, lineNumber, numberedText, fileUser } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileView = defineOperation({
  name: "task.file.view",
  summary: "Show lines of a text file, or an image, as a model reads it",
  details:
    "Fails with `FILE_NOT_FOUND`, `FILE_WRONG_TYPE`, and with `FILE_NOT_TEXT` for a file that is neither text nor a PNG, JPEG, GIF or WebP image.",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    path: filePath,
    offset: lineNumber.default(1).describe("First line to return."),
    limit: z.int().min(fileViewLines.min).max(fileViewLines.max).default(2_000).describe("Maximum lines."),
    user: fileUser,
  }),
  output: z
    .object({
      task_id: z.string(),
      path: z.string(),
      text: numberedText,
      first_line: z.int(),
      next_line: z.int().nullable().describe("Pass it as `offset` for more; null at the end."),
      size_bytes: z.int().min(0),
      image: z
        .object({ mime_type: z.string(), data: z.string().describe("Base64.") })
        .nullable()
        .describe("An image; text is empty then."),
    })
    .meta({ title: "FileView", description: "Lines of a file with their numbers, or an image." }),
  cli: null,
  sdk: { method: "viewTaskFile" },
  mcp: {
    tool: "task_file_read",
    title: "Read a file of a task",
    description:
      "Reads a text file of the task's VM, each line with its number and a tab before it, or shows an image.",
    profile: "core",
    textOnly: true,
  },
});
