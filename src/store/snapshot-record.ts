import { basename, join } from "node:path";

import { z } from "zod";

import { accelerator, executionMode, time } from "../contract/fields.js";
import { writeFileAtomic } from "../host/files.js";
import { newId } from "../host/new-id.js";
import { readRecord, unreadable, type RecordReading } from "./record.js";

const count = z.int().min(0);

/** The requested network of a VM, so that a fork gets the same. */
const networkRequest = z.object({
  allow: z.array(z.string()),
  deny: z.array(z.string()).default([]),
  allowHosts: z.array(z.string()),
  hostEnv: z.record(z.string(), z.string()),
  hostCaFiles: z.array(z.string()).nullable(),
});

const recordSchema = z.object({
  format: z.literal(1),
  snapshot_id: z.string(),
  name: z.string().nullable(),
  task_id: z.string(),
  /** The snapshot from which the VM had started. */
  parent: z.string().nullable(),
  created_at: time,
  /** The environment that it is; it then belongs to no task. Null for a snapshot of a task. */
  saved_as: z.string().nullable().default(null),
  /** A digest of the setup that it is the result of; it then belongs to no task. */
  setup_key: z.string().nullable().default(null),
  environment: z.string(),
  environment_digest: z.string(),
  vcpu_count: z.int().min(1),
  mem_mib: z.int().min(1),
  disk_mib: z.int().min(1),
  network: networkRequest.nullable(),
  execution_mode: executionMode,
  accelerator,
  memory_bytes: count,
  disk_bytes: count,
  pause_ms: z.number().min(0),
  /** The backend's record of the snapshot; only the backend knows its shape. */
  machine: z.record(z.string(), z.unknown()),
});

/** A snapshot as `snapshot.json` holds it. Fields added by a newer pyro within this format are carried along. */
export type SnapshotRecord = Readonly<z.infer<typeof recordSchema>>;

const FILE = "snapshot.json";

export function newSnapshotId(): string {
  return newId("snap");
}

/** `snap-` and twelve lower-case hexadecimal digits; nothing else ever becomes part of a path. */
export function isSnapshotId(text: string): boolean {
  return /^snap-[0-9a-f]{12}$/.test(text);
}

export async function readSnapshotRecord(directory: string): Promise<RecordReading<SnapshotRecord>> {
  const path = join(directory, FILE);
  const reading = await readRecord(path, recordSchema.loose());
  if (reading.kind !== "record" || reading.record.snapshot_id === basename(directory)) return reading;
  return unreadable(path, "its snapshot_id is that of another snapshot");
}

/** Writes it, durably: the last file of a snapshot. */
export function writeSnapshotRecord(directory: string, record: SnapshotRecord): Promise<void> {
  return writeFileAtomic(join(directory, FILE), `${JSON.stringify(record, null, 2)}\n`);
}
