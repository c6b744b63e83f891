import { z } from "zod";

import { filePath, fileUser } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileMove = defineOperation({
  name: "task.file.move",
  summary: "Rename a file or directory of a task",
  details:
    "Moves a symlink itself. Fails with `FILE_EXISTS` unless `replace` is set, and with `FILE_REFUSED` for a name on another file system.",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    path: filePath,
    to: filePath.describe("Its new path, not the directory to put it into."),
    replace: z.boolean().default(false).describe("Replace a file that has this name."),
    user: fileUser,
  }),
  output: z
    .object({ task_id: z.string(), path: z.string(), to: z.string() })
    .meta({ title: "MovedFile", description: "A file or directory of a task under its new name." }),
  cli: { words: ["task", "file", "move"], positionals: ["task_id", "path", "to"] },
  sdk: { method: "moveTaskFile" },
  mcp: {
    tool: "task_file_move",
    title: "Move a file of a task",
    description: "Renames a file or directory of the task's VM.",
    profile: "full",
  },
});
