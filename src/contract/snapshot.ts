import { z } from "zod";

import { time } from "./fields.js";

const snapshotName = z
  .string()
  .regex(
    /^(?!(task|snap)-[0-9a-f]{12}$|seed$)[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
    "expected a name of at most 63 letters, digits and _ . - that is not `seed` and does not look like an id",
  );

export const newSnapshotName = snapshotName.optional().describe("Name, usable instead of the id.");

export const snapshotReference = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "expected a snapshot's id, such as snap-0123456789ab, or its name")
  .describe("Id or name of a snapshot.");

export const snapshot = z
  .object({
    snapshot_id: z.string(),
    name: z.string().nullable(),
    task_id: z.string().describe("The task that it was made of."),
    parent: z.string().nullable().describe("The snapshot that the task came from; null when there was none."),
    created_at: time,
    automatic: z.boolean().describe("Made at an interval; the next one replaces it."),
    memory_bytes: z.int().describe("Bytes on disk of its memory."),
    disk_bytes: z.int().describe("Bytes on disk of its files."),
    running_commands: z.int().describe("Commands that were running."),
    needed_by: z.array(z.string()).describe("Stopped tasks that start from it."),
  })
  .meta({ title: "SnapshotInfo", description: "A snapshot of a task: memory, processes and disk of one moment." });
