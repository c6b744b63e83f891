import { z } from "zod";

import { fileEntry, filePath, fileUser } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileStat = defineOperation({
  name: "task.file.stat",
  summary: "Show one file of a task",
  details: "A symlink is shown itself. Fails with `FILE_NOT_FOUND`.",
  effect: "reads",
  input: z.strictObject({ task_id: taskId, path: filePath, user: fileUser }),
  output: fileEntry
    .extend({ task_id: z.string() })
    .meta({ title: "FileFacts", description: "One file, directory or symlink of a task." }),
  cli: { words: ["task", "file", "stat"], positionals: ["task_id", "path"] },
  sdk: { method: "statTaskFile" },
  mcp: null,
});
