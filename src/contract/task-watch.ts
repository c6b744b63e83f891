import { z } from "zod";

import { defineOperation } from "./operation.js";
import { destination, sourceFilter, sourcePath } from "./source.js";
import { taskId } from "./task.js";

export const taskWatch = defineOperation({
  name: "task.watch",
  summary: "Push a directory to a task, and push it again whenever something in it changes",
  details:
    "Runs until it is cancelled. Fails with `NOT_FOUND` or `FAILED_PRECONDITION` when the task is gone, with `SOURCE_NOT_FOUND` when the directory is.",
  effect: "writes",
  isLocal: true,
  input: z.strictObject({
    task_id: taskId,
    source_path: sourcePath.describe("Directory of this machine."),
    dest: destination,
    ...sourceFilter,
    delete: z
      .boolean()
      .default(false)
      .describe(
        "Also delete entries that earlier pushes of this source wrote to dest and that the source no longer has.",
      ),
  }),
  output: z
    .object({ task_id: z.string(), push_count: z.int().min(0).describe("Number of pushes.") })
    .meta({ title: "WatchResult", description: "The pushes of a watch." }),
  cli: {
    words: ["task", "watch"],
    positionals: ["task_id", "source_path"],
    examples: ["pyro task watch TASK .", "pyro task watch TASK ./src --dest /workspace/src --git-tracked --delete"],
  },
  sdk: null,
  mcp: null,
});
