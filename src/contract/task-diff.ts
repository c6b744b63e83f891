import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";
import { since, workspaceChange, workspaceFilter, workspacePaths } from "./workspace.js";

export const taskDiff = defineOperation({
  name: "task.diff",
  summary: "Show what a task changed in its workspace",
  details:
    "Compares with the base: the workspace after the seed, the last push or the last pull. `git apply` accepts the text. A file that is binary or longer than 1 MiB is listed without content.",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    paths: workspacePaths,
    since,
    stat: z.boolean().default(false).describe("List files with the number of changed lines, without the text."),
    name_only: z.boolean().default(false).describe("List the names only; reads no content."),
    after: z.string().max(4096).optional().describe("Continue after this path: `next_after` of the previous answer."),
    ...workspaceFilter,
  }),
  output: z
    .object({
      task_id: z.string(),
      origin: z.string().nullable().describe("Directory on the client's machine that the workspace came from."),
      files: z.array(workspaceChange).describe("In the order of paths, at most 10,000."),
      file_count: z.int().min(0).describe("All changed entries, also those on other pages."),
      patch: z.string().describe("The unified diff; empty with `stat` or `name_only`."),
      next_after: z.string().nullable().describe("Pass it as `after` to continue; null when the answer is complete."),
    })
    .meta({ title: "WorkspaceDiff", description: "What a task changed in its workspace." }),
  bulk: ["patch", "files[]"],
  cli: {
    words: ["task", "diff"],
    positionals: ["task_id", "paths"],
    examples: ["pyro task diff TASK", "pyro task diff TASK src --stat", "pyro task diff TASK > changes.patch"],
  },
  sdk: { method: "diffTask" },
  mcp: {
    tool: "task_diff",
    title: "Show changes of a task",
    description:
      "Shows what changed in the task's /workspace since its files came from this machine: a unified diff. Use stat first when much may have changed. Check it before task_sync_pull.",
    profile: "core",
  },
});
