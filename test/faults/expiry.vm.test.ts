import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { OperationEvent } from "../../src/contract/operation.js";
import { kill, until } from "../client/scratch.js";
import { TaskScratch } from "./task-scratch.js";

let scratch: TaskScratch;
before(() => {
  scratch = new TaskScratch();
});
after(() => scratch[Symbol.asyncDispose]());

/** The life of a task, longer than a call takes on a busy host: the call must end before the task. */
const TTL_SECONDS = 5;

const isGone = (task: string) => !scratch.taskIds().includes(task) && scratch.leftovers().length === 0;

test("an unused task is removed after its time to live; use extends it, and a running command prevents it", async () => {
  const task = await scratch.create({ ttl_seconds: TTL_SECONDS });
  const { expires_at: first } = await scratch.status(task);
  const { exit_code, stdout } = await scratch.execHere(task, `sleep ${TTL_SECONDS + 1}; echo over`);
  assert.deepEqual([exit_code, stdout], [0, "over\n"]);
  const { expires_at: pushed, last_activity_at } = await scratch.status(task);
  assert.ok(pushed! > first!);
  assert.equal(Date.parse(pushed!) - Date.parse(last_activity_at), TTL_SECONDS * 1_000);
  await until("it is removed", () => isGone(task));
  assert.ok(Date.now() >= Date.parse(pushed!), "it was removed before its time");
  assert.equal((await scratch.failureHere("task.status", { task_id: task })).code, "NOT_FOUND");
});

test("a task that expires while no daemon runs is removed when the next daemon starts", async () => {
  const kept = await scratch.create({ ttl_seconds: 0 });
  const pid = await scratch.daemonPid();
  const { task_id: task, expires_at } = await scratch.client.call("task.create", {
    environment: "debian:12",
    mem_mib: 256,
    ttl_seconds: TTL_SECONDS,
  });
  kill(pid);
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
  const task = await scratch.create({ ttl_seconds: TTL_SECONDS });
  const pid = await scratch.daemonPid();
  const killDaemon = (event: OperationEvent) => void (event.event === "stdout" && kill(pid));
  const command = `echo begun; sleep ${TTL_SECONDS + 1}; echo over`;
  const { stdout } = await scratch.execHere(task, command, { onEvent: killDaemon });
  assert.equal(stdout, "begun\nover\n");
  await until("it is removed", () => isGone(task));
});
