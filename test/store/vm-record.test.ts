import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { readVmRecords, removeVmRecord, writeVmRecord, type VmRecord } from "../../src/store/vm-record.js";
import { temporaryDirectory } from "./scratch.js";

const record: VmRecord = {
  ...{ format: 1, vm_id: "vm-0123456789ab", environment: "debian:12", created_at: "2026-01-01T00:00:00.000Z" },
  ...{
    ttl_seconds: 600,
    vcpu_count: 1,
    mem_mib: 1024,
    allow_host_compat: false,
    require_isolation: null,
    state: "created",
    reason: null,
  },
  ...{
    network: false,
    network_allow: [],
    network_deny: [],
    network_allow_host: [],
    network_host_proxy: false,
    network_host_ca: false,
    network_host_env: {},
  },
  ...{ execution_mode: null, backend: "qemu", accelerator: null, environment_digest: null, machine: null },
  ...{ user: null, working_dir: null },
};

test("records are read as they were written, and no other file is left", async (t) => {
  const path = join(temporaryDirectory(t), "vm-records");
  assert.deepEqual(await readVmRecords(path), []);
  await writeVmRecord(path, record);
  assert.deepEqual(await readVmRecords(path), [{ vmId: record.vm_id, reading: { kind: "record", record } }]);
  await removeVmRecord(path, record.vm_id);
  assert.deepEqual(readdirSync(path), []);
});

test("a damaged record is reported on its own; unfinished records are removed; other files stay", async (t) => {
  const path = temporaryDirectory(t);
  await writeVmRecord(path, record);
  const damaged: Record<string, string> = {
    "vm-000000000001": "{",
    "vm-000000000002": JSON.stringify({ ...record, vm_id: "vm-000000000002", mem_mib: "much" }),
    "vm-000000000003": JSON.stringify({ ...record, format: 2 }),
    "vm-000000000004": JSON.stringify(record),
  };
  for (const [vmId, text] of Object.entries(damaged)) writeFileSync(join(path, `${vmId}.json`), text);
  mkdirSync(join(path, "vm-000000000005.json"));
  for (const name of [".0123456789ab.tmp", "vm-x.json", "notes.txt"]) writeFileSync(join(path, name), "");
  const readings = new Map((await readVmRecords(path)).map(({ vmId, reading }) => [vmId, reading]));
  assert.equal(readings.get(record.vm_id)?.kind, "record");
  readings.delete(record.vm_id);
  assert.deepEqual(
    [...readings].toSorted().map(([, { kind }]) => kind),
    ["unreadable", "unreadable", "newer", "unreadable", "unreadable"],
  );
  const wrong = readings.get("vm-000000000002");
  assert.ok(wrong?.kind === "unreadable" && wrong.reason.startsWith("vm-000000000002.json: mem_mib: "));
  assert.ok(!readdirSync(path).includes(".0123456789ab.tmp"));
  assert.ok(readdirSync(path).includes("notes.txt"));
});
