import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";
import { workspaceEntry, workspaceFilter, workspacePaths } from "./workspace.js";

/** The differences that a pull applies. Clients call it internally. */
export const taskChanges = defineOperation({
  name: "task.changes",
  summary: "List the entries of a workspace that differ from its base",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    paths: workspacePaths,
    all: z.boolean().default(false).describe("List unchanged entries too."),
    lazy: z.boolean().default(false).describe("Leave `sha256` null where it would take long, of files that changed."),
    ...workspaceFilter,
  }),
  output: z
    .object({
      task_id: z.string(),
      name: z.string().nullable(),
      origin: z.string().nullable(),
      changes: z.array(z.object({ path: z.string(), base: workspaceEntry, task: workspaceEntry })),
      unsupported: z
        .array(z.string())
        .describe("Sockets, FIFOs, devices, and names that are not UTF-8: the first 100."),
    })
    .meta({ title: "WorkspaceChanges", description: "Entries of a workspace, compared with its base." }),
  cli: null,
  sdk: null,
  mcp: null,
});
