import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

export const taskExport = defineOperation({
  name: "task.export",
  summary: "Send files of a task as a tar stream, in `stdout` events",
  details:
    "Names in the stream are relative to `path`. Fails with `NOT_FOUND` when the path does not exist, with `WORKSPACE_CHANGED` when a file shrinks while it is read.",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    path: z
      .string()
      .min(1)
      .max(4096)
      .default("/workspace")
      .describe("File or directory in the guest; relative paths start at /workspace."),
    entries: z
      .array(z.string().min(1).max(4096))
      .max(100_000)
      .optional()
      .describe("Only these files and links beneath the path, in this order.")
      .meta({ hidden: true }),
    gzip: z.boolean().default(false).describe("Compress the stream."),
  }),
  output: z
    .object({
      task_id: z.string(),
      path: z.string(),
      entry_count: z.int().min(0).describe("Entries sent."),
      bytes: z.int().min(0).describe("Total bytes of the files sent."),
      skipped_special: z
        .int()
        .min(0)
        .describe("Number of entries left out: sockets, FIFOs, devices and names that are not UTF-8."),
    })
    .meta({ title: "Export", description: "Counts of an export." }),
  streams: true,
  cli: null,
  sdk: null,
  mcp: null,
});
