import { join } from "node:path";

import { z } from "zod";

import { accelerator, executionMode, time } from "../contract/fields.js";
import { mkdir, readdir, readJson, rm, writeFileAtomic } from "../host/files.js";

const recordSchema = z.object({
  format: z.literal(1),
  vm_id: z.string().regex(/^vm-[0-9a-f]{12}$/),
  environment: z.string(),
  created_at: time,
  ttl_seconds: z.int().min(1),
  vcpu_count: z.int().min(1),
  mem_mib: z.int().min(1),
  allow_host_compat: z.boolean(),
  state: z.enum(["created", "started", "stopped", "failed"]),
  reason: z.string().nullable(),
  execution_mode: executionMode.nullable(),
  accelerator,
  environment_digest: z.string().nullable(),
  /** What the backend needs to find its process again. Only the backend knows its shape. */
  machine: z.record(z.string(), z.unknown()).nullable(),
});

/** A VM as `vm-records/VM_ID.json` holds it. */
export type VmRecord = Readonly<z.infer<typeof recordSchema>>;

/** Every record that can be read; others are left as they are. */
export async function listVmRecords(path: string): Promise<VmRecord[]> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const names = (await readdir(path)).filter((name) => name.endsWith(".json"));
  const readings = await Promise.all(names.map((name) => readJson(join(path, name))));
  return readings.flatMap((json) => {
    const parsed = recordSchema.loose().safeParse(json);
    return parsed.success ? [parsed.data] : [];
  });
}

/** Replaces a record, durably. */
export function writeVmRecord(path: string, record: VmRecord): Promise<void> {
  return writeFileAtomic(join(path, `${record.vm_id}.json`), `${JSON.stringify(record, null, 2)}\n`);
}

export function removeVmRecord(path: string, vmId: string): Promise<void> {
  return rm(join(path, `${vmId}.json`), { force: true });
}
