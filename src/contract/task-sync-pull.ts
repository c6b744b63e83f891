import { z } from "zod";

import { defineOperation } from "./operation.js";
import { taskId } from "./task.js";
import { workspaceChange, workspaceEntry, workspaceFilter, workspacePaths } from "./workspace.js";

const pulled = workspaceChange.pick({ path: true, before: true, after: true });

export const taskSyncPull = defineOperation({
  name: "task.sync.pull",
  summary: "Bring a task's changes back to this machine, all of them or none",
  details:
    "Writes what the workspace changed since host and workspace last agreed. A path that both sides changed in different ways is a conflict: with `on_conflict` `fail` nothing is written, and `conflicts` lists all of them. Fails with `DESTINATION_UNUSABLE`, with `DESTINATION_CHANGED` or `WORKSPACE_CHANGED` when either side changes meanwhile; then nothing is written.",
  effect: "writes",
  isLocal: true,
  input: z.strictObject({
    task_id: taskId,
    destination: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .describe("Directory of this machine; the one that the task was created from or last pushed from, unless given.")
      // A model writes only where a person has taken the files from.
      .meta({ forPrograms: true }),
    paths: workspacePaths.meta({ flag: "path" }),
    dry_run: z.boolean().default(false).describe("Say what would be written; change nothing."),
    on_conflict: z
      .enum(["fail", "task", "host", "both"])
      .default("fail")
      .describe(
        "Write nothing (fail), take the task's file (task), keep the host's (host), or keep it and write the task's as NAME.task (both).",
      ),
    delete: z.boolean().default(false).describe("Delete on this machine what the task deleted."),
    ...workspaceFilter,
  }),
  output: z
    .object({
      task_id: z.string(),
      destination: z.string(),
      written_count: z.int().min(0).describe("Files, links and directories written."),
      deleted_count: z.int().min(0).describe("Entries deleted."),
      kept_count: z.int().min(0).describe("Entries that the task deleted, kept since `delete` was not given."),
      changes: z.array(pulled).describe("What was written and deleted on this machine, the first 10,000 entries."),
      conflicts: z
        .array(
          z.object({
            path: z.string(),
            reason: z
              .enum(["changed", "occupied"])
              .describe("Both sides changed it; or a directory of this machine is in the way."),
            base: workspaceEntry,
            host: workspaceEntry,
            task: workspaceEntry,
          }),
        )
        .describe("With any, nothing was written."),
      warnings: z.array(z.string()).describe("What cannot be pulled, and what an interrupted pull left."),
      dry_run: z.boolean(),
      duration_ms: z.int().min(0),
    })
    .meta({ title: "PullResult", description: "What a pull has brought to this machine." }),
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
      "Writes the task's changes in /workspace back into the directory of this machine that the task was created from. All or nothing; conflicts are listed and nothing is written unless on_conflict says so. task_diff shows the changes first.",
  },
});
