import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskExport } from "./task-export.js";
import { taskId } from "./task.js";

export const taskExportTo = defineOperation({
  name: "task.export_to",
  summary: "Save files of a task on this machine, as an archive or a directory",
  details:
    "Fails with `NOT_FOUND` when the path does not exist, with `DESTINATION_UNUSABLE` when the output exists or cannot be written, with `WORKSPACE_CHANGED` when a file shrinks while it is read. A failed export leaves nothing.",
  effect: "writes",
  isLocal: true,
  input: z.strictObject({
    task_id: taskId,
    path: z.string().min(1).max(4096).describe("File or directory of the guest; a relative one starts at /workspace."),
    output: z
      .string()
      .min(1)
      .max(4096)
      .describe("What to write on this machine: FILE.tar, FILE.tar.gz, FILE.tgz, or a new or empty directory."),
    force: z.boolean().default(false).describe("Replace an existing archive."),
  }),
  output: taskExport.output.extend({ output: z.string().describe("Absolute path of what was written.") }).meta({
    title: "SavedExport",
    description: "Files of a task that were saved on this machine.",
  }),
  cli: {
    words: ["task", "export"],
    positionals: ["task_id", "path"],
    examples: [
      "pyro task export TASK dist --output dist.tar.gz",
      "pyro task export TASK /workspace/build --output ./build",
      "pyro task export TASK /etc --output - | tar -t",
    ],
  },
  sdk: { method: "exportTask" },
  mcp: null,
});
