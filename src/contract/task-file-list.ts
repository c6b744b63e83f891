import { z } from "zod";

import { fileEntry, fileListEntries, filePath, fileUser } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileList = defineOperation({
  name: "task.file.list",
  summary: "List the files of a task",
  details:
    "Sorted by name, each directory before its entries. Does not follow symlinks beneath `path`, and does not enter other file systems. Fails with `FILE_NOT_FOUND`.",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    path: filePath.default("/workspace"),
    recursive: z.boolean().default(false).describe("List the entries of subdirectories too."),
    limit: z
      .int()
      .min(fileListEntries.min)
      .max(fileListEntries.max)
      .default(500)
      .describe("Maximum entries in the answer."),
    after: z.string().min(1).optional().describe("Continue after this path: next_after of the last answer."),
    user: fileUser,
  }),
  output: z
    .object({
      task_id: z.string(),
      path: z.string(),
      entries: z.array(fileEntry),
      next_after: z.string().nullable().describe("Pass it as `after` for more; null when this is all."),
    })
    .meta({ title: "FileList", description: "The entries of a directory of a task; a file is listed as itself." }),
  cli: {
    words: ["task", "file", "list"],
    positionals: ["task_id", "path"],
    examples: ["pyro task file list TASK", "pyro task file list TASK /etc --recursive"],
  },
  sdk: { method: "listTaskFiles" },
  mcp: {
    tool: "task_file_list",
    title: "List files of a task",
    description: "Lists a directory of the task's VM (/workspace by default) with types and sizes.",
    textOnly: true,
  },
});
