import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";
import { since, workspaceChange, workspaceFilter, workspacePaths } from "./workspace.js";

export const taskDiff = defineOperation({
  name: "task.diff",
  summary: "Show what a task changed in its workspace",
  details:
    "Compares with what host and workspace last had in common: the seed, the last push or the last pull. The text is what `git apply` takes. A file that is binary or longer than 1 MiB is named only.",
  effect: "reads",
  input: z.strictObject({
    task_id: taskId,
    paths: workspacePaths,
    since,
    stat: z.boolean().default(false).describe("List files with the number of changed lines, without the text."),
    name_only: z.boolean().default(false).describe("List the names only; reads no content."),
    after: z.string().max(4096).optional().describe("Go on after this path: `next_after` of the answer before."),
    ...workspaceFilter,
  }),
  output: z
    .object({
      task_id: z.string(),
      origin: z
        .string()
        .nullable()
        .describe("The directory of the client's machine that the workspace is compared with."),
      files: z.array(workspaceChange).describe("In the order of paths, at most 10,000."),
      file_count: z.int().min(0).describe("All changed entries, also those on other pages."),
      patch: z.string().describe("The unified diff; empty with `stat` or `name_only`."),
      next_after: z.string().nullable().describe("The place to go on from; null when the answer has all."),
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
      "Shows what changed in the task's /workspace since its files came from this machine: a unified diff. Use stat first when much may have changed. Look at it before task_sync_pull.",
  },
});
