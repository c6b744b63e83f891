import { join } from "node:path";
import { z } from "zod";

import { PyroError } from "../contract/errors.js";
import { writeFileAtomic } from "../host/files.js";
import { execStarted } from "./journal-entry.js";
import { explainReading, readRecord } from "./record.js";
import { taskRecord } from "./task-record.js";

const FILE = "facts.json";
const count = z.int().min(0);

const carriedExec = z.object({
  started: execStarted,
  /** Bytes of each stream that the log of the task had. */
  skipped: z.object({ stdout: count, stderr: count }),
  /** Null for a command without a time-out. */
  remaining_seconds: z.int().min(1).nullable(),
});

/** A running command in a snapshot. */
export type CarriedExec = Readonly<z.infer<typeof carriedExec>>;

const facts = z.object({
  format: z.literal(1),
  /** The snapshot of a stop belongs to the stopped task alone. An automatic one is replaced by the next. */
  purpose: z.enum(["kept", "stop", "fork", "automatic"]),
  /** True when the guest had written its files to the disk. Missing in snapshots of earlier versions. */
  synced: z.boolean().optional(),
  record: taskRecord,
  commands: z.array(carriedExec),
});

/** The state of its task that a snapshot keeps, besides the lists of its workspace. */
export type SnapshotFacts = Readonly<z.infer<typeof facts>>;

export async function writeSnapshotFacts(directory: string, written: SnapshotFacts): Promise<void> {
  await writeFileAtomic(join(directory, FILE), `${JSON.stringify(written)}\n`);
}

/** Throws FAILED_PRECONDITION when the facts are damaged, or of a newer pyro. */
export async function readSnapshotFacts(directory: string): Promise<SnapshotFacts> {
  const reading = await readRecord(join(directory, FILE), facts);
  if (reading.kind === "record") return reading.record;
  throw new PyroError("FAILED_PRECONDITION", `The snapshot cannot be used: ${explainReading(reading)}.`, {
    hint: "Delete it, and make another one.",
  });
}
