import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";
import { workspaceEntry, workspaceFilter, workspacePaths } from "./workspace.js";

/** What a pull needs to know. Clients ask for it by themselves. */
export const taskChanges = defineOperation({
  name: "task.changes",
  summary: "List the entries in which a workspace differs from what host and workspace had in common",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    paths: workspacePaths,
    all: z.boolean().default(false).describe("List the entries that do not differ as well."),
    ...workspaceFilter,
  }),
  output: z
    .object({
      task_id: z.string(),
      origin: z.string().nullable(),
      changes: z.array(z.object({ path: z.string(), base: workspaceEntry, task: workspaceEntry })),
      unsupported: z
        .array(z.string())
        .describe("Sockets, FIFOs, devices, and names that are not UTF-8: the first 100."),
    })
    .meta({ title: "WorkspaceChanges", description: "Entries of a workspace beside those of its base." }),
  cli: null,
  sdk: null,
  mcp: null,
});
