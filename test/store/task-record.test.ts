import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { isTaskId, newTaskId, taskDirectoryPath } from "../../src/store/layout.js";
import {
  createTaskDirectory,
  listTaskDirectories,
  newDraftPath,
  removeTaskDirectory,
  sweepDeleted,
} from "../../src/store/task-directories.js";
import { readTaskRecord, type TaskRecord, writeTaskRecord } from "../../src/store/task-record.js";
import { fixturePath, someRecord, temporaryDirectory } from "./scratch.js";

/** A task's directory that contains only its record. */
function createIn(tasks: string, record: TaskRecord): Promise<string> {
  return createTaskDirectory(tasks, record, newDraftPath(tasks, record.task_id));
}

test("a record is read as it was written, and no other file is left", async (t) => {
  const tasks = join(temporaryDirectory(t), "tasks");
  const record = someRecord();
  const directory = await createIn(tasks, record);
  assert.deepEqual(await readTaskRecord(directory), { kind: "record", record });
  const changed = { ...record, state: "failed" as const, reason: "it died", machine: null };
  await writeTaskRecord(directory, changed);
  assert.deepEqual(await readTaskRecord(directory), { kind: "record", record: changed });
  assert.deepEqual(readdirSync(directory), ["task.json"]);
  assert.deepEqual(readdirSync(tasks), [record.task_id]);
});

test("a second task with the same id is refused", async (t) => {
  const tasks = temporaryDirectory(t);
  const directory = await createIn(tasks, someRecord());
  await assert.rejects(createIn(tasks, { ...someRecord(), mem_mib: 1 }), { code: "INTERNAL" });
  assert.deepEqual(await readTaskRecord(directory), { kind: "record", record: someRecord() });
  assert.deepEqual(readdirSync(tasks), [someRecord().task_id]);
});

test("a record with fields of a later release keeps them when it is rewritten", async (t) => {
  const directory = join(temporaryDirectory(t), "task-00000000000a");
  const later = {
    ...someRecord(),
    later_field: { a: "b" },
    workspace_seed: { ...someRecord().workspace_seed, digest: "x" },
  };
  mkdirSync(directory);
  writeFileSync(join(directory, "task.json"), JSON.stringify(later));
  const reading = await readTaskRecord(directory);
  assert.ok(reading.kind === "record");
  await writeTaskRecord(directory, { ...reading.record, state: "stopped" });
  const onDisk: unknown = JSON.parse(readFileSync(join(directory, "task.json"), "utf8"));
  assert.deepEqual(onDisk, { ...later, state: "stopped" });
});

test("a record of version 1 is still read", async () => {
  const reading = await readTaskRecord(fixturePath("v1/task-0123456789ab"));
  assert.ok(reading.kind === "record");
  const { record } = reading;
  assert.equal(record.task_id, "task-0123456789ab");
  assert.equal(record.workspace_seed.source_path, "/home/ada/søurce");
  assert.deepEqual(record.machine?.["nested"], { anything: [1, null] });
  assert.deepEqual(
    [record.state, record.reason, record.ttl_seconds, record.accelerator, record.execution_mode, record.backend],
    ["started", null, 86_400, "tcg", "guest", "qemu"],
  );
});

test("a record of format 2 is refused and left as it is, byte for byte", async (t) => {
  const directory = join(temporaryDirectory(t), "task-0123456789ab");
  cpSync(fixturePath("v1/task-0123456789ab"), directory, { recursive: true });
  const path = join(directory, "task.json");
  writeFileSync(
    path,
    readFileSync(path, "utf8").replace('"format": 1', '"format": 2').replace('"state"', '"condition"'),
  );
  const before = readFileSync(path);
  assert.deepEqual(await readTaskRecord(directory), { kind: "newer", format: 2 });
  await assert.rejects(writeTaskRecord(directory, someRecord("task-0123456789ab")), { code: "FAILED_PRECONDITION" });
  assert.deepEqual(readFileSync(path), before);
});

test("a record edited into any invalid content is unreadable", async (t) => {
  const base = temporaryDirectory(t);
  const directory = join(base, "task-00000000000a");
  mkdirSync(directory);
  const path = join(directory, "task.json");
  const kindOf = async () => (await readTaskRecord(directory)).kind;
  assert.equal(await kindOf(), "unreadable");
  const record = someRecord();
  const nonsense = [
    "",
    "null",
    "[]",
    "{",
    "\0\0\0",
    '{"format":1}',
    '{"format":"2"}',
    '{"format":0}',
    '{"format":1.5}',
    "x".repeat((1 << 20) + 1),
    JSON.stringify({ ...record, task_id: "task-00000000000b" }),
    JSON.stringify({ ...record, state: "running" }),
    JSON.stringify({ ...record, ttl_seconds: -1 }),
    JSON.stringify({ ...record, machine: "qemu" }),
    JSON.stringify({ ...record, created_at: "yesterday" }),
  ];
  for (const text of nonsense) {
    writeFileSync(path, text);
    assert.equal(await kindOf(), "unreadable", text.slice(0, 80));
    assert.equal(readFileSync(path, "utf8"), text);
  }
  const other = join(base, "task-00000000000b");
  mkdirSync(join(other, "task.json"), { recursive: true });
  assert.equal((await readTaskRecord(other)).kind, "unreadable");
});

test("an id is `task-` and twelve hexadecimal digits, and nothing else", () => {
  assert.ok(isTaskId("task-0123456789ab"));
  assert.ok(isTaskId(newTaskId()));
  const others = ["", "task-", "task-0123456789aB", "task-0123456789abc", "task-0123456789a", " task-0123456789ab"];
  const hostile = [
    "../task-0123456789ab",
    "task-../../../etc",
    "task-0123456789ab\n",
    "task-0123456789ab/",
    "task-0123456789a\0",
  ];
  for (const text of [...others, ...hostile]) {
    assert.ok(!isTaskId(text), JSON.stringify(text));
    assert.throws(() => taskDirectoryPath("/tasks", text), { code: "NOT_FOUND" });
  }
});

test("tasks are listed by id; files, links and unfinished directories are not tasks", async (t) => {
  const tasks = join(temporaryDirectory(t), "tasks");
  assert.deepEqual(await listTaskDirectories(tasks), []);
  await createIn(tasks, someRecord("task-00000000000b"));
  await createIn(tasks, someRecord("task-00000000000a"));
  writeFileSync(join(tasks, "task-00000000000c"), "");
  symlinkSync(join(tasks, "task-00000000000a"), join(tasks, "task-00000000000d"));
  mkdirSync(join(tasks, ".new-1/task-00000000000e"), { recursive: true });
  mkdirSync(join(tasks, "task-XYZ"));
  assert.deepEqual(await listTaskDirectories(tasks), [
    { taskId: "task-00000000000a", directory: join(tasks, "task-00000000000a") },
    { taskId: "task-00000000000b", directory: join(tasks, "task-00000000000b") },
  ]);
});

test("a removed task leaves nothing; a removal that a process did not finish is finished later", async (t) => {
  const base = temporaryDirectory(t);
  const tasks = join(base, "tasks");
  await createIn(tasks, someRecord("task-00000000000a"));
  const kept = await createIn(tasks, someRecord("task-00000000000b"));
  assert.equal(await removeTaskDirectory(tasks, "task-00000000000a"), true);
  assert.equal(await removeTaskDirectory(tasks, "task-00000000000a"), false);
  await assert.rejects(removeTaskDirectory(tasks, "../tasks"), { code: "NOT_FOUND" });
  assert.deepEqual(readdirSync(tasks), ["task-00000000000b"]);
  mkdirSync(join(tasks, ".deleted-0/execs/1"), { recursive: true });
  mkdirSync(join(tasks, ".new-0"));
  await sweepDeleted(tasks);
  await sweepDeleted(join(base, "no such directory"));
  assert.deepEqual(readdirSync(tasks), ["task-00000000000b"]);
  assert.equal((await readTaskRecord(kept)).kind, "record");
});
