import { z } from "zod";

import { filePath, fileUser } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileRemove = defineOperation({
  name: "task.file.remove",
  summary: "Remove a file or directory of a task",
  details:
    "Removes a symlink itself. Fails with `FILE_NOT_EMPTY` for a directory with entries unless `recursive` is set, and with `FILE_REFUSED` for a mount point.",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    path: filePath,
    recursive: z.boolean().default(false).describe("Remove a directory with all its entries."),
    user: fileUser,
  }),
  output: z
    .object({ task_id: z.string(), path: z.string(), removed_count: z.int().min(0).describe("Names removed.") })
    .meta({ title: "RemovedFile", description: "A removed file or directory of a task." }),
  cli: {
    words: ["task", "file", "remove"],
    positionals: ["task_id", "path"],
    examples: ["pyro task file remove TASK build --recursive"],
  },
  sdk: { method: "removeTaskFile" },
  mcp: {
    tool: "task_file_remove",
    title: "Remove a file of a task",
    description: "Removes a file of the task's VM, or a directory with recursive.",
    profile: "full",
  },
});
