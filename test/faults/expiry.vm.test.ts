import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { endOf, kill, until } from "../client/scratch.js";
import { saying, TaskScratch } from "./task-scratch.js";

let scratch: TaskScratch;
before(() => {
  scratch = new TaskScratch();
});
after(() => scratch[Symbol.asyncDispose]());

const isGone = (task: string) => !scratch.taskIds().includes(task) && scratch.leftovers().length === 0;

test("an unused task is removed after its time to live; use extends it, and a running command prevents it", async () => {
  const task = await scratch.create({ ttl_seconds: 2 });
  const child = scratch.startExec(task, "echo begun; sleep 3; echo over");
  const ended = endOf(child);
  await saying(child, "begun");
  const { expires_at: first } = await scratch.status(task);
  const { status, stdout } = await ended;
  assert.deepEqual([status, stdout], [0, "begun\nover\n"]);
  const { expires_at: pushed, last_activity_at } = await scratch.status(task);
  assert.ok(pushed! > first!);
  assert.equal(Date.parse(pushed!) - Date.parse(last_activity_at), 2_000);
  await until("it is removed", () => isGone(task));
  const late = Date.now() - Date.parse(pushed!);
  assert.ok(late >= 0 && late < 2_000, `removed ${late} ms after its time`);
  assert.equal((await scratch.failureHere("task.status", { task_id: task })).code, "NOT_FOUND");
});

test("a task that expires while no daemon runs is removed when the next daemon starts", async () => {
  const task = await scratch.create({ ttl_seconds: 2 });
  const kept = await scratch.create({ ttl_seconds: 0 });
  const { expires_at } = await scratch.status(task);
  kill(await scratch.daemonPid());
  // Only the time must pass here: there is no daemon to ask.
  await sleep(Date.parse(expires_at!) - Date.now() + 10);
  assert.ok(scratch.taskIds().includes(task));
  const { tasks } = await scratch.client.call("task.list", {});
  assert.deepEqual(
    tasks.map(({ task_id, expires_at: expiry }) => [task_id, expiry]),
    [[kept, null]],
  );
  assert.ok(!scratch.taskIds().includes(task));
  await scratch.delete(kept);
  assert.deepEqual(scratch.leftovers(), []);
});

test("a command that runs when the daemon dies keeps its task from expiring", async () => {
  const task = await scratch.create({ ttl_seconds: 1 });
  const child = scratch.startExec(task, "echo begun; sleep 2; echo over");
  const ended = endOf(child);
  await saying(child, "begun");
  await scratch.killDaemon();
  assert.deepEqual((await ended).stdout, "begun\nover\n");
  await until("it is removed", () => isGone(task));
});
