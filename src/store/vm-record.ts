import { join } from "node:path";

import { z } from "zod";

import { accelerator, executionMode, time } from "../contract/fields.js";
import { isolationLevel } from "../contract/isolation.js";
import { mkdir, readdir, rm, writeFileAtomic } from "../host/files.js";
import { readRecord, unreadable, type RecordReading } from "./record.js";

const recordSchema = z.object({
  format: z.literal(1),
  vm_id: z.string().regex(/^vm-[0-9a-f]{12}$/),
  environment: z.string(),
  created_at: time,
  ttl_seconds: z.int().min(1),
  vcpu_count: z.int().min(1),
  mem_mib: z.int().min(1),
  allow_host_compat: z.boolean(),
  require_isolation: isolationLevel.nullable().default(null),
  network: z.boolean().default(false),
  network_allow: z.array(z.string()).default([]),
  network_deny: z.array(z.string()).default([]),
  network_allow_host: z.array(z.string()).default([]),
  network_host_proxy: z.boolean().default(false),
  network_host_ca: z.boolean().default(false),
  network_host_env: z.record(z.string(), z.string()).default({}),
  state: z.enum(["created", "started", "stopped", "failed"]),
  reason: z.string().nullable(),
  execution_mode: executionMode.nullable(),
  /** The name of the backend that made its machine. Older versions had only one, and did not write it. */
  backend: z.string().default("qemu"),
  accelerator,
  environment_digest: z.string().nullable(),
  /** Whose rights its command has; null for root. */
  user: z.string().nullable().default(null),
  /** Where its command starts; null for the workspace. */
  working_dir: z.string().nullable().default(null),
  /** The backend's handle on the process. Only the backend knows its shape. */
  machine: z.record(z.string(), z.unknown()).nullable(),
});

/** A VM as `vm-records/VM_ID.json` holds it. */
export type VmRecord = Readonly<z.infer<typeof recordSchema>>;

const FILE = /^(vm-[0-9a-f]{12})\.json$/;
/** A record that was never finished. */
const UNFINISHED = /^\.[0-9a-f]+\.tmp$/;

/** All records, with the result of reading each. Removes leftovers of writers that died. */
export async function readVmRecords(path: string): Promise<{ vmId: string; reading: RecordReading<VmRecord> }[]> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const names = await readdir(path);
  for (const name of names.filter((candidate) => UNFINISHED.test(candidate))) await rm(join(path, name));
  const ids = names.flatMap((name) => FILE.exec(name)?.[1] ?? []);
  return Promise.all(ids.map(async (vmId) => ({ vmId, reading: await readVmRecord(path, vmId) })));
}

async function readVmRecord(path: string, vmId: string): Promise<RecordReading<VmRecord>> {
  const file = recordPath(path, vmId);
  const reading = await readRecord(file, recordSchema.loose());
  if (reading.kind !== "record" || reading.record.vm_id === vmId) return reading;
  return unreadable(file, "its vm_id is that of another VM");
}

/** Replaces a record, durably. */
export function writeVmRecord(path: string, record: VmRecord): Promise<void> {
  return writeFileAtomic(recordPath(path, record.vm_id), `${JSON.stringify(record, null, 2)}\n`);
}

export function removeVmRecord(path: string, vmId: string): Promise<void> {
  return rm(recordPath(path, vmId), { force: true });
}

export function recordPath(path: string, vmId: string): string {
  return join(path, `${vmId}.json`);
}
