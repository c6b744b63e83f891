import { z } from "zod";

import { defineOperation } from "./operation.js";
import { newSnapshotName, snapshot, snapshotReference } from "./snapshot.js";
import { taskId } from "./task.js";

export const taskSnapshotCreate = defineOperation({
  name: "task.snapshot.create",
  summary: "Save the present state of a task, with its running processes",
  details:
    "The VM pauses for a moment and runs on. `task.fork` and `task.reset` start from the snapshot. It is deleted with its task. Fails with `ALREADY_EXISTS` when another snapshot has the name, with `HOST_NOT_ABLE` in `host_compat`.",
  effect: "creates",
  input: z.strictObject({ task_id: taskId, name: newSnapshotName }),
  output: snapshot,
  cli: {
    words: ["task", "snapshot", "create"],
    positionals: ["task_id"],
    flags: { quiet: "Print the id only." },
    examples: ["pyro task snapshot create TASK --name installed"],
  },
  sdk: { method: "snapshotTask" },
  mcp: null,
});

export const taskSnapshotList = defineOperation({
  name: "task.snapshot.list",
  summary: "List the snapshots, of all tasks or of one",
  effect: "reads",
  input: z.strictObject({ task: taskId.optional().describe("Only those of this task.") }),
  output: z
    .object({
      snapshots: z.array(snapshot),
      unreadable: z
        .array(z.object({ snapshot_id: z.string(), reason: z.string() }))
        .describe("Snapshots whose record is damaged or of a newer pyro; they can only be deleted."),
    })
    .meta({ title: "SnapshotList", description: "Snapshots, the oldest first." }),
  cli: { words: ["task", "snapshot", "list"], positionals: ["task"] },
  sdk: { method: "listSnapshots" },
  mcp: null,
});

export const taskSnapshotDelete = defineOperation({
  name: "task.snapshot.delete",
  summary: "Remove a snapshot; tasks that started from it stay",
  details:
    "No other snapshot and no running task needs it. Fails with `FAILED_PRECONDITION` while a stopped task starts from it; `details.needed_by` names the tasks.",
  effect: "removes",
  input: z.strictObject({ snapshot_id: snapshotReference }),
  output: z
    .object({ snapshot_id: z.string(), deleted: z.literal(true) })
    .meta({ title: "DeletedSnapshot", description: "A snapshot that was deleted." }),
  cli: { words: ["task", "snapshot", "delete"], positionals: ["snapshot_id"] },
  sdk: { method: "deleteSnapshot" },
  mcp: null,
});

/** The operations on snapshots as one tool, since every session pays for the schema of each tool. */
export const taskSnapshot = defineOperation({
  name: "task.snapshot",
  summary: "Work on the snapshots of a task",
  effect: "removes",
  isLocal: true,
  input: z.strictObject({
    action: z.enum(["create", "list", "delete"]).default("create"),
    task_id: taskId.optional().describe("For create, and for list to see those of one task."),
    name: newSnapshotName.describe("For create, optional."),
    snapshot_id: snapshotReference.optional().describe("For delete: id or name."),
  }),
  output: z.object({ snapshots: z.array(snapshot).optional(), deleted: z.string().optional() }),
  cli: null,
  sdk: null,
  mcp: {
    tool: "task_snapshot",
    title: "Snapshots",
    description:
      "create saves the state of a task, with memory and processes. Go back to it with task_reset, or fork it.",
    profile: "full",
    textOnly: true,
  },
});
