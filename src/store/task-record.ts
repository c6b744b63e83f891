import { basename, join } from "node:path";
import { z } from "zod";

import { PyroError } from "../contract/errors.js";
import { accelerator, executionMode, time } from "../contract/fields.js";
import { isolationLevel } from "../contract/isolation.js";
import { writeFileAtomic } from "../host/files.js";
import { taskFile } from "./layout.js";
import { readRecord, unreadable, type RecordReading } from "./record.js";
import { serviceRecord } from "./service-record.js";

const count = z.int().min(0);

const workspaceSeed = z.object({
  mode: z.enum(["empty", "directory", "file", "archive"]),
  source_path: z.string().nullable(),
  destination: z.string(),
  entry_count: count,
  bytes_written: count,
  /** Null when they were not counted, as in records of earlier versions. */
  ignored_xattr_count: count.nullable().default(null),
});

const networkPolicy = z.object({
  allow: z.array(z.string()),
  deny: z.array(z.string()).default([]),
  allow_hosts: z.array(z.string()),
  /** The host's proxy settings, which may hold secrets. */
  host_env: z.record(z.string(), z.string()),
  host_ca_files: z.array(z.string()).nullable(),
});

const forkedFrom = z.object({
  task_id: z.string(),
  /** Null for a fork of a running or stopped task. */
  snapshot_id: z.string().nullable(),
  at: time,
});

/** A restore after the death of a VM. */
const restored = z.object({
  at: time,
  snapshot_id: z.string(),
  snapshot_at: time,
  /** Why the VM ended. */
  reason: z.string(),
});

const recordSchema = z.object({
  format: z.literal(1),
  task_id: z.string(),
  name: z.string().nullable().default(null),
  labels: z.record(z.string(), z.string()).default({}),
  /** The values may be secrets: only commands get them. */
  env: z.record(z.string(), z.string()).default({}),
  /** Whose rights commands have; null for root. */
  user: z.string().nullable().default(null),
  /** Where its commands start; null for the workspace. */
  working_dir: z.string().nullable().default(null),
  environment: z.string(),
  environment_digest: z.string(),
  created_at: time,
  /** 0 means none. */
  ttl_seconds: count,
  vcpu_count: z.int().min(1),
  mem_mib: z.int().min(1),
  disk_mib: count,
  /** Time-out of commands that set none; null when the task has no time-out. */
  timeout_seconds: z.int().min(1).nullable().default(null),
  allow_host_compat: z.boolean(),
  /** The least isolation with which it may start; null when it has no requirement. */
  require_isolation: isolationLevel.nullable().default(null),
  network: z.boolean().default(false),
  execution_mode: executionMode,
  /** The name of the backend that made its machine. Older versions had only one, and did not write it. */
  backend: z.string().default("qemu"),
  accelerator,
  workspace_seed: workspaceSeed,
  /** Published ports. */
  ports: z.array(z.object({ port: z.int(), host_port: z.int() })).default([]),
  services: z.array(serviceRecord).default([]),
  state: z.enum(["started", "stopped", "failed"]),
  reason: z.string().nullable(),
  /** The backend's handle on the process. Only the backend knows its shape. */
  machine: z.record(z.string(), z.unknown()).nullable(),
  /** Number of its present or last VM, from 1. */
  incarnation: z.int().min(1).default(1),
  /** The snapshot with which a stopped task starts again; null when there is none. */
  resumes_from: z.string().nullable().default(null),
  /** The snapshot that its present state comes from; null when there was none. */
  parent_snapshot: z.string().nullable().default(null),
  /** The addresses that the network may reach; null in a record of an earlier version, and without a network. */
  network_policy: networkPolicy.nullable().default(null),
  /** Seconds without use until the task is stopped; 0 for never. */
  idle_stop_seconds: count.default(0),
  /** Seconds between automatic snapshots; 0 for none. */
  snapshot_every_seconds: count.default(0),
  /** The snapshot that replaces a VM that dies; null before the first one. */
  automatic_snapshot: z.object({ snapshot_id: z.string(), created_at: time }).nullable().default(null),
  /** The latest restores, the last one last. */
  restores: z.array(restored).default([]),
  forked_from: forkedFrom.nullable().default(null),
  /** The command that prepared it; null when there was none. */
  setup: z.string().nullable().default(null),
  /** The task whose variant it tries; it is removed with the attempt. */
  tried_for: z.string().nullable().default(null),
});

/** A task as `task.json` holds it. Fields added by a newer pyro within this format are carried along. */
export type TaskRecord = Readonly<z.infer<typeof recordSchema>>;

/** The schema for reading a record: fields of a newer pyro stay. */
export const taskRecord = recordSchema.extend({ workspace_seed: workspaceSeed.loose() }).loose();

/** The result of reading a task's record. */
export type TaskRecordReading = RecordReading<TaskRecord>;

export async function readTaskRecord(directory: string): Promise<TaskRecordReading> {
  const path = join(directory, taskFile);
  const reading = await readRecord(path, taskRecord);
  if (reading.kind !== "record" || reading.record.task_id === basename(directory)) return reading;
  return unreadable(path, "its task_id is that of another task");
}

/** Replaces the record, durably. Throws FAILED_PRECONDITION when a newer pyro wrote the existing record. */
export async function writeTaskRecord(directory: string, record: TaskRecord): Promise<void> {
  const present = await readTaskRecord(directory);
  if (present.kind === "newer") {
    throw new PyroError("FAILED_PRECONDITION", `The record of ${record.task_id} was written by a newer pyro.`, {
      hint: "Use the newer pyro, or delete the task.",
      details: { task_id: record.task_id, format: present.format },
    });
  }
  try {
    await writeFileAtomic(join(directory, taskFile), `${JSON.stringify(record, null, 2)}\n`);
  } catch (error) {
    throw PyroError.from(error);
  }
}
