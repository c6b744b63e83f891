import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";
import { workspaceEntry } from "./workspace.js";

/** Clients tell the daemon by this what a pull has brought, or an undo taken back. */
export const taskSettle = defineOperation({
  name: "task.settle",
  summary: "Record entries that host and workspace have in common now",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    origin: z.string().max(4096).describe("The directory of the client's machine."),
    entries: z.array(z.tuple([z.string().max(4096), workspaceEntry])).max(100_000),
  }),
  output: z.object({ task_id: z.string(), settled_count: z.int().min(0) }),
  cli: null,
  sdk: null,
  mcp: null,
});
