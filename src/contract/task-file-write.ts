import { z } from "zod";

import { encoding, filePath, givenMode, fileUser } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileWrite = defineOperation({
  name: "task.file.write",
  summary: "Write a file of a task",
  details:
    "Replaces the file atomically when all content has arrived, and creates missing directories; a replaced file keeps its owner and permissions. Fails with `FILE_WRONG_TYPE` for a directory or a device, and with `WORKSPACE_FULL`.",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    path: filePath,
    content: z.string().optional().describe("Content, up to about 1 MB; if omitted, the bytes that follow the input."),
    encoding: encoding.describe("Encoding of content."),
    mode: givenMode.optional().describe("Permissions in octal; 0644 for a new file."),
    append: z.boolean().default(false).describe("Add to the end of the file instead of replacing it."),
    user: fileUser,
  }),
  output: z
    .object({
      task_id: z.string(),
      path: z.string(),
      bytes_written: z.int().min(0),
      created: z.boolean().describe("False if the file existed."),
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
