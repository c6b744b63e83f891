import { z } from "zod";

import { defineOperation } from "./operation.js";
import { snapshotReference } from "./snapshot.js";
import { task, taskId } from "./task.js";

export const taskReset = defineOperation({
  name: "task.reset",
  summary: "Go back to a snapshot of a task, or to its beginning",
  details:
    "What the task did since is gone; its log stays. Works on a failed task too. Commands of the snapshot are listed as new ones, still running. `seed` is the task as it was created. Fails with `FAILED_PRECONDITION` while commands run, unless `force` is set, and when the content of a file of the seed is not kept (`details.missing`).",
  effect: "removes",
  input: z.strictObject({
    task_id: taskId,
    to: snapshotReference.default("seed").describe("Id or name of a snapshot, or `seed`."),
    force: z.boolean().default(false).describe("End running commands."),
  }),
  output: task,
  streams: true,
  cli: {
    words: ["task", "reset"],
    positionals: ["task_id"],
    examples: ["pyro task reset TASK --to installed", "pyro task reset TASK --to installed --force"],
  },
  sdk: { method: "resetTask" },
  mcp: {
    tool: "task_reset",
    title: "Reset a task",
    description:
      "Takes a task back to a snapshot (task_snapshot); everything since is lost. force ends running commands.",
    profile: "full",
  },
});
