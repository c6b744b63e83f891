import { basename, join } from "node:path";
import { z } from "zod";

import { PyroError } from "../contract/errors.js";
import { accelerator, executionMode, time } from "../contract/fields.js";
import { lstat, readFile, writeFileAtomic } from "../host/files.js";
import { taskFile } from "./layout.js";

const count = z.int().min(0);

const workspaceSeed = z.object({
  mode: z.enum(["empty", "directory", "archive"]),
  source_path: z.string().nullable(),
  destination: z.string(),
  entry_count: count,
  bytes_written: count,
});

const recordSchema = z.object({
  format: z.literal(1),
  task_id: z.string(),
  environment: z.string(),
  environment_digest: z.string(),
  created_at: time,
  /** 0 means none. */
  ttl_seconds: count,
  vcpu_count: z.int().min(1),
  mem_mib: z.int().min(1),
  disk_mib: count,
  allow_host_compat: z.boolean(),
  execution_mode: executionMode,
  accelerator,
  workspace_seed: workspaceSeed,
  state: z.enum(["started", "stopped", "failed"]),
  reason: z.string().nullable(),
  /** What the backend needs to find its process again. Only the backend knows its shape. */
  machine: z.record(z.string(), z.unknown()).nullable(),
});

/** A task as `task.json` holds it. Fields added by a newer pyro within this format are carried along. */
export type TaskRecord = Readonly<z.infer<typeof recordSchema>>;

const readSchema = recordSchema.extend({ workspace_seed: workspaceSeed.loose() }).loose();
const versionedSchema = z.object({ format: z.int().min(1) });

/** What a look at a task's record found. Damage is a fact to show, not an exception. */
export type TaskRecordReading =
  | { readonly kind: "record"; readonly record: TaskRecord }
  | { readonly kind: "newer"; readonly format: number }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Nobody's record is this long; reading one that is would only cost memory. */
const MAX_RECORD_BYTES = 1 << 20;

export async function readTaskRecord(directory: string): Promise<TaskRecordReading> {
  const path = join(directory, taskFile);
  let json: unknown;
  try {
    const stat = await lstat(path);
    if (!stat.isFile()) return unreadable("it is not a file");
    if (stat.size > MAX_RECORD_BYTES) return unreadable("it is too long");
    json = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    return unreadable(error instanceof SyntaxError ? "it is not JSON" : ((error as NodeJS.ErrnoException).code ?? "?"));
  }
  const versioned = versionedSchema.safeParse(json);
  if (versioned.success && versioned.data.format > 1) return { kind: "newer", format: versioned.data.format };
  const parsed = readSchema.safeParse(json);
  if (!parsed.success) return unreadable(firstIssue(parsed.error));
  if (parsed.data.task_id !== basename(directory)) return unreadable("its task_id is that of another task");
  return { kind: "record", record: parsed.data };
}

/** Replaces the record, durably. Throws FAILED_PRECONDITION when a newer pyro wrote the one that is there. */
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

function unreadable(reason: string): TaskRecordReading {
  return { kind: "unreadable", reason: `${taskFile}: ${reason}` };
}

function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue === undefined ? "it has the wrong shape" : `${issue.path.join(".") || "the whole"}: ${issue.message}`;
}
