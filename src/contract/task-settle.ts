import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";

/**
 * Clients report to the daemon which entries a pull wrote, or an undo restored. There may be many more than one line of input holds, so
 * they follow it.
 */
export const taskSettle = defineOperation({
  name: "task.settle",
  summary: "Record entries that are now equal on host and in the workspace",
  details:
    "The entries follow the input, each a line of JSON: `[path, entry]`, with an entry of `task.changes`. None is recorded until all of them have arrived.",
  effect: "writes",
  input: z.strictObject({
    task_id: taskId,
    origin: z.string().max(4096).describe("Directory on the client's machine."),
  }),
  output: z.object({ task_id: z.string(), settled_count: z.int().min(0) }),
  body: "content",
  cli: null,
  sdk: null,
  mcp: null,
});
