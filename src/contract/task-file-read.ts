import { z } from "zod";

import { encoding, fileFacts, filePath, fileReadBytes, fileUser } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileRead = defineOperation({
  name: "task.file.read",
  summary: "Read a file of a task",
  details:
    "Fails with `FILE_NOT_FOUND`, with `FILE_WRONG_TYPE` for a directory or a device, with `FILE_NOT_TEXT` if the encoding is utf8 and the bytes are not text.",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    path: filePath,
    offset: z.int().min(0).default(0).describe("Offset of the first byte."),
    max_bytes: z
      .int()
      .min(fileReadBytes.min)
      .max(fileReadBytes.max)
      .default(1_048_576)
      .describe("Maximum bytes in the answer."),
    encoding: encoding.describe("Encoding of content: text, or base64 for any bytes."),
    user: fileUser,
  }),
  output: z
    .object({
      task_id: z.string(),
      path: z.string(),
      content: z.string(),
      encoding: z.enum(["utf8", "base64"]),
      offset: z.int().min(0),
      bytes: z.int().min(0).describe("Bytes of the file in content."),
      next_offset: z.int().nullable().describe("Pass it as `offset` for more; null at the end of the file."),
      ...fileFacts,
    })
    .meta({ title: "FileContent", description: "Bytes of a file of a task." }),
  cli: {
    words: ["task", "file", "read"],
    positionals: ["task_id", "path"],
    options: { output: "File of this machine to write to; standard output otherwise." },
    examples: ["pyro task file read TASK notes.txt", "pyro task file read TASK /var/log/syslog --output syslog"],
  },
  sdk: { method: "readTaskFile" },
  mcp: null,
});
