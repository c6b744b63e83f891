import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";
import { workspaceChange, workspaceEntry, workspaceFilter, workspacePaths } from "./workspace.js";

const pulled = workspaceChange.pick({ path: true, before: true, after: true });

export const taskSyncPull = defineOperation({
  name: "task.sync.pull",
  summary: "Copy a task's changes back to this machine, all of them or none",
  details:
    "Writes the changes of the workspace since the seed, the last push or the last pull. A path that both sides changed differently is a conflict. With `on_conflict` `fail` a conflict prevents all writes, and `conflicts` lists every one. Fails with `DESTINATION_UNUSABLE`, or with `DESTINATION_CHANGED` or `WORKSPACE_CHANGED` when a side changes during the pull; then nothing is written.",
  effect: "writes",
  isLocal: true,
  input: z.strictObject({
    task_id: taskId,
    destination: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe("Directory on this machine. Default: the one that the task was created from or last pushed from.")
      // A model may write only to the directory that the files came from.
      .meta({ forPrograms: true }),
    paths: workspacePaths.meta({ flag: "path" }),
    dry_run: z.boolean().default(false).describe("List the changes that would be written; change nothing."),
    on_conflict: z
      .enum(["fail", "task", "host", "both"])
      .default("fail")
      .describe(
        "Write nothing (fail), take the task's file (task), keep the host's (host), or keep it and write the task's as NAME.task (both).",
      ),
    delete: z.boolean().default(false).describe("Delete the entries on this machine that the task deleted."),
    ...workspaceFilter,
  }),
  output: z
    .object({
      task_id: z.string(),
      destination: z.string(),
      written_count: z.int().min(0).describe("Files, links and directories written."),
      deleted_count: z.int().min(0).describe("Entries deleted."),
      kept_count: z
        .int()
        .min(0)
        .describe("Entries that the task deleted but this machine keeps, because `delete` is not set."),
      changes: z.array(pulled).describe("Entries written and deleted on this machine, the first 10,000."),
      conflicts: z
        .array(
          z.object({
            path: z.string(),
            reason: z
              .enum(["changed", "occupied"])
              .describe("changed: both sides changed the entry. occupied: a directory on this machine is in the way."),
            base: workspaceEntry,
            host: workspaceEntry,
            task: workspaceEntry,
          }),
        )
        .describe("If not empty, nothing was written."),
      warnings: z.array(z.string()).describe("Entries that cannot be pulled, and leftovers of an interrupted pull."),
      dry_run: z.boolean(),
      duration_ms: z.int().min(0),
    })
    .meta({ title: "PullResult", description: "The changes that a pull wrote to this machine." }),
  bulk: ["changes[]", "conflicts[]"],
  cli: {
    words: ["task", "sync", "pull"],
    positionals: ["task_id", "destination"],
    examples: [
      "pyro task sync pull TASK --dry-run",
      "pyro task sync pull TASK --delete",
      "pyro task sync pull TASK ./copy --path src --on-conflict both",
    ],
  },
  sdk: { method: "pullTaskSync", handleMethod: "syncPull" },
  mcp: {
    tool: "task_sync_pull",
    title: "Pull changes to this machine",
    description:
      "Writes the task's changes in /workspace back into the directory of this machine that the task was created from. All or nothing: if there are conflicts, lists them and writes nothing, unless on_conflict resolves them. task_diff shows the changes first.",
    profile: "core",
  },
});
