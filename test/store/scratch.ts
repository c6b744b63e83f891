import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

import { openJournal, type Journal } from "../../src/store/journal.js";
import type { JournalEntry } from "../../src/store/journal-entry.js";
import type { TaskRecord } from "../../src/store/task-record.js";

/** A directory that is removed when the test ends. */
export function temporaryDirectory(context: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "pyro-store-"));
  context.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Frozen files of each shipped version, in the source tree. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../../../test/store/fixtures/${name}`, import.meta.url));
}

export function scriptPath(name: string): string {
  return fileURLToPath(new URL(`${name}.js`, import.meta.url));
}

export function someRecord(taskId = "task-00000000000a"): TaskRecord {
  return {
    format: 1,
    task_id: taskId,
    name: null,
    labels: {},
    env: {},
    user: null,
    working_dir: null,
    environment: "debian:12",
    environment_digest: "d1",
    created_at: "2026-01-02T03:04:05.678Z",
    ttl_seconds: 0,
    vcpu_count: 2,
    mem_mib: 512,
    disk_mib: 10_240,
    timeout_seconds: null,
    allow_host_compat: true,
    require_isolation: null,
    network: false,
    execution_mode: "host_compat",
    backend: "qemu",
    accelerator: null,
    workspace_seed: {
      mode: "empty",
      source_path: null,
      destination: "/workspace",
      entry_count: 0,
      bytes_written: 0,
      ignored_xattr_count: 0,
    },
    ports: [],
    services: [],
    state: "started",
    reason: null,
    machine: { pid: 1, deep: { list: [1, "two", null] } },
    incarnation: 1,
    resumes_from: null,
    parent_snapshot: null,
    network_policy: null,
    idle_stop_seconds: 0,
    forked_from: null,
    setup: null,
    snapshot_every_seconds: 0,
    automatic_snapshot: null,
    restores: [],
    tried_for: null,
  };
}

export function startedEntry(sequence: number, command = "true"): JournalEntry & { event: "exec.started" } {
  return {
    event: "exec.started",
    sequence,
    job: sequence + 1,
    command,
    cwd: "/workspace",
    timeout_seconds: 30,
    started_at: "2026-01-02T03:04:05.678Z",
  };
}

/** The journal at a path, which must be readable. */
export async function journalAt(path: string): Promise<Journal> {
  const reading = await openJournal(path);
  if (reading.kind !== "journal") throw new Error(JSON.stringify(reading));
  return reading.journal;
}

/** Byte `i` of every stream in these tests, which shows a byte at a wrong position. The period is prime. */
export function patternBytes(offset: number, length: number): Buffer {
  const period = 65_521;
  const from = offset % period;
  const whole = pattern.subarray(from, from + length);
  if (whole.length === length) return whole;
  const parts: Buffer[] = [];
  for (let at = 0; at < length;) {
    const start = (offset + at) % period;
    const part = pattern.subarray(start, Math.min(period, start + length - at));
    parts.push(part);
    at += part.length;
  }
  return Buffer.concat(parts);
}

const pattern = Buffer.from(Array.from({ length: 65_521 }, (_, index) => (index * 31 + (index >> 8) * 7) & 0xff));
