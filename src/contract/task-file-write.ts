import { z } from "zod";

import { encoding, filePath, givenMode } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileWrite = defineOperation({
  name: "task.file.write",
  summary: "Write a file of a task",
  details:
    "Replaces it at once when all content is there, and makes its directories; a file that is replaced keeps its owner and permissions. Fails with `FILE_WRONG_TYPE` where there is a directory or a device, with `WORKSPACE_FULL`.",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    path: filePath,
    content: z.string().optional().describe("Content, up to about 1 MB; without it, the bytes that follow the input."),
    encoding: encoding.describe("How content is written down."),
    mode: givenMode.optional().describe("Permissions in octal; 0644 for a new file."),
    append: z.boolean().default(false).describe("Add to the end of the file instead of replacing it."),
  }),
  output: z
    .object({
      task_id: z.string(),
      path: z.string(),
      bytes_written: z.int().min(0),
      created: z.boolean().describe("False when there was a file."),
    })
    .meta({ title: "WrittenFile", description: "A file of a task that was written." }),
  body: "content",
  cli: {
    words: ["task", "file", "write"],
    positionals: ["task_id", "path"],
    options: { from: "File of this machine to read; standard input otherwise." },
    examples: [
      "pyro task file write TASK notes.txt --from notes.txt",
      "echo hello | pyro task file write TASK hello.txt",
    ],
  },
  sdk: { method: "writeTaskFile", first: ["content"] },
  mcp: {
    tool: "task_file_write",
    title: "Write a file of a task",
    description:
      "Writes a whole file in the task's VM, and makes its directories. Use task_file_edit to change a part.",
    profile: "core",
  },
});
