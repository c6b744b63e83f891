import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { endOf } from "../client/scratch.js";
import { saying, TaskScratch, type Entry } from "./task-scratch.js";

const HOUR_MS = 3_600_000;

let scratch: TaskScratch;
let task: string;
before(async () => {
  scratch = new TaskScratch();
  task = await scratch.create();
});
after(() => scratch[Symbol.asyncDispose]());

const operations = (id: string) => [
  ["task", "status", id],
  ["task", "logs", id],
  ["task", "delete", id],
  ["task", "exec", id, "--", "true"],
];

test("an unknown id: every operation returns NOT_FOUND", async () => {
  for (const words of operations("task-000000000000")) {
    const { status, code } = await scratch.failure(...words);
    assert.deepEqual([status, code], [125, "NOT_FOUND"], words.join(" "));
  }
});

test("an invalid id is refused, and no file is touched", async () => {
  const id = `../tasks/${task}`;
  for (const words of operations(id)) {
    const { status, code } = await scratch.failure(...words);
    assert.deepEqual([status, code], [2, "INVALID_ARGUMENT"], words.join(" "));
  }
  const ids = ["", "../tasks", "/etc/passwd", `${task}/`, `${task}\n`, `${task}\0`, "é"];
  for (const task_id of ids) {
    for (const name of ["task.status", "task.logs", "task.delete"] as const) {
      assert.equal((await scratch.failureHere(name, { task_id })).code, "INVALID_ARGUMENT", `${name} ${task_id}`);
    }
    const exec = await scratch.failureHere("task.exec", { task_id, command: "true" });
    assert.equal(exec.code, "INVALID_ARGUMENT", task_id);
  }
  // These may be names.
  for (const task_id of ["task-..", task.toUpperCase()]) {
    assert.equal((await scratch.failureHere("task.delete", { task_id })).code, "NOT_FOUND", task_id);
  }
  assert.equal((await scratch.status(task)).state, "started");
});

test("a task is deleted once", async () => {
  const doomed = await scratch.create();
  const ended = await Promise.all([1, 2].map(() => scratch.failureOrNull("task", "delete", doomed)));
  assert.deepEqual(ended.map((error) => error?.code ?? null).toSorted(), ["NOT_FOUND", null]);
  assert.equal((await scratch.failureHere("task.status", { task_id: doomed })).code, "NOT_FOUND");
});

test("a delete aborts running commands, and their calls return aborted", async () => {
  const doomed = await scratch.create();
  const children = [1, 2].map(() => scratch.startExec(doomed, "echo begun; sleep 60", "--json"));
  const ended = Promise.all(children.map(endOf));
  const person = scratch.startExec(doomed, "echo begun; sleep 60");
  const personEnded = endOf(person);
  await saying(person, "begun");
  await scratch.waitForRunning(doomed, 3);
  await scratch.delete(doomed);
  for (const { status, stdout } of await ended) {
    const { aborted, timed_out, stdout: said } = JSON.parse(stdout) as Entry;
    assert.deepEqual([status, aborted, timed_out, said], [125, true, false, "begun\n"]);
  }
  const { status, stderr } = await personEnded;
  assert.equal(status, 125);
  assert.match(stderr, /aborted/);
  assert.ok(!scratch.taskIds().includes(doomed));
});

test("a damaged record makes its task unreadable and leaves other tasks usable", async () => {
  const [torn, newer, journal] = [await scratch.create(), await scratch.create(), await scratch.create()];
  await scratch.execHere(journal, "true");
  await scratch.pyro(["daemon", "stop"]);
  const record = (id: string) => join(scratch.taskPath(id), "task.json");
  writeFileSync(record(torn), '{"format":1,"task_id":"../../etc","mem_mib":');
  const ofNewer = readFileSync(record(newer), "utf8").replace('"format": 1', '"format": 2');
  writeFileSync(record(newer), ofNewer);
  writeFileSync(join(scratch.taskPath(journal), "journal.ndjson"), "nonsense\n");

  const damaged = [torn, newer, journal];
  for (const id of damaged) {
    const { state, state_reason, created_at } = await scratch.status(id);
    assert.equal(state, "unreadable");
    assert.ok(Math.abs(Date.now() - Date.parse(created_at)) < HOUR_MS, created_at);
    assert.match(state_reason!, id === newer ? /newer pyro.*format 2/ : /json/);
    for (const { code, details } of [
      await scratch.failureHere("task.exec", { task_id: id, command: "true" }),
      await scratch.failureHere("task.logs", { task_id: id }),
    ]) {
      assert.deepEqual([code, details["state"]], ["FAILED_PRECONDITION", "unreadable"]);
    }
  }
  const { tasks } = await scratch.client.call("task.list", {});
  for (const id of [...damaged, task]) assert.ok(tasks.some(({ task_id }) => task_id === id));
  assert.equal((await scratch.execHere(task, "echo fine")).stdout, "fine\n");
  assert.equal(readFileSync(record(newer), "utf8"), ofNewer);

  // Machines that others start meanwhile are not removed together with those of the unreadable one.
  const busy = [1, 2, 3, 4].map(() => scratch.pyro(["run", "debian:12", "--mem-mib", "256", "--", "echo", "ran"]));
  for (const id of damaged) {
    await scratch.delete(id);
    const left = scratch.leftovers().filter((name) => name.includes(id.replace("task-", "vm-")));
    assert.deepEqual(left, []);
    assert.equal((await scratch.failureHere("task.delete", { task_id: id })).code, "NOT_FOUND");
  }
  const ran = await Promise.all(busy);
  assert.deepEqual(
    ran.map(({ status, stdout, stderr }) => [status, stdout, stderr]),
    ran.map(() => [0, "ran\n", ""]),
  );
  assert.equal((await scratch.execHere(task, "echo fine")).stdout, "fine\n");
});

test("a copy of a task's directory under another id is an unreadable task that can be deleted", async () => {
  await scratch.pyro(["daemon", "stop"]);
  const copy = "task-abcdefabcdef";
  cpSync(scratch.taskPath(task), scratch.taskPath(copy), { recursive: true });
  assert.equal((await scratch.status(copy)).state, "unreadable");
  await scratch.delete(copy);
  assert.equal((await scratch.execHere(task, "echo fine")).stdout, "fine\n");
});

test("a VM that needs more memory than the host has is refused, with the figures", async () => {
  const { status, code, details } = await scratch.failure("task", "create", "debian:12", "--mem-mib", "65536");
  assert.deepEqual([status, code, details["mem_mib"]], [125, "RESOURCE_EXHAUSTED", 65_536]);
  assert.ok(Number(details["available_mib"]) > 0);
});

test("a missing working directory returns INVALID_ARGUMENT", async () => {
  const { status, stdout } = await scratch.exec(task, "true", "--json", "--cwd", "/no/such");
  const { error, exit_code } = JSON.parse(stdout) as Entry;
  assert.deepEqual([status, exit_code, error?.code], [125, null, "INVALID_ARGUMENT"]);
});
