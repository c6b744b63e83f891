import { z } from "zod";

import { filePath, givenMode, fileUser } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileMkdir = defineOperation({
  name: "task.file.mkdir",
  summary: "Create a directory in a task, with its parents",
  details: "Succeeds if the directory exists. Fails with `FILE_EXISTS` if the path is not a directory.",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    path: filePath,
    mode: givenMode.optional().describe("Permissions in octal; 0755 unless given."),
    user: fileUser,
  }),
  output: z
    .object({ task_id: z.string(), path: z.string(), created: z.boolean().describe("False if it existed.") })
    .meta({ title: "MadeDirectory", description: "A directory of a task." }),
  cli: { words: ["task", "file", "mkdir"], positionals: ["task_id", "path"] },
  sdk: { method: "makeTaskDirectory" },
  mcp: null,
});
