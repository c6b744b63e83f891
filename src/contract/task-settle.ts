import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";
import { workspaceEntry } from "./workspace.js";

/** Clients report to the daemon which entries a pull wrote, or an undo restored. */
export const taskSettle = defineOperation({
  name: "task.settle",
  summary: "Record entries that are now equal on host and in the workspace",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    origin: z.string().max(4096).describe("Directory on the client's machine."),
    entries: z.array(z.tuple([z.string().max(4096), workspaceEntry])).max(100_000),
  }),
  output: z.object({ task_id: z.string(), settled_count: z.int().min(0) }),
  cli: null,
  sdk: null,
  mcp: null,
});
