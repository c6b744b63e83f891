import { z } from "zod";

import { fileFacts, filePath, fileUser } from "./files.js";
import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskFileFetch = defineOperation({
  name: "task.file.fetch",
  summary: "Send the bytes of a file of a task, in `stdout` events",
  details:
    "Fails as `task.file.read` does. A file that grows meanwhile is sent up to the size that it had at the beginning.",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    path: filePath,
    offset: z.int().min(0).default(0).describe("Offset of the first byte."),
    max_bytes: z.int().min(1).optional().describe("Maximum bytes to send; all unless given."),
    user: fileUser,
  }),
  output: z
    .object({
      task_id: z.string(),
      path: z.string(),
      bytes: z.int().min(0).describe("Bytes sent."),
      ...fileFacts,
    })
    .meta({ title: "FetchedFile", description: "Facts of a file that was sent." }),
  streams: true,
  cli: null,
  sdk: null,
  mcp: null,
});
