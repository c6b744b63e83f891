import assert from "node:assert/strict";
import { realpathSync, rmSync } from "node:fs";
import { test } from "node:test";

import { kill, processesOf, until } from "../client/scratch.js";
import { saying, TaskScratch } from "./task-scratch.js";

test("after a reboot tasks are stopped and keep their logs, and no command is shown as running", async () => {
  await using scratch = new TaskScratch();
  const tasks = [await scratch.create(), await scratch.create({ ttl_seconds: 0 })];
  for (const task of tasks) assert.equal((await scratch.execHere(task, "echo kept; exit 4")).exit_code, 4);
  const [running] = tasks as [string];
  const child = scratch.startExec(running, "echo begun; sleep 60");
  await saying(child, "begun");
  const before = await Promise.all(tasks.map((task) => scratch.status(task)));

  const runtime = realpathSync(`${scratch.home}/run`);
  await until("everything is dead", () => {
    processesOf(scratch.home).forEach(kill);
    return processesOf(scratch.home).length === 0;
  });
  rmSync(runtime, { recursive: true });

  const listed = await scratch.client.call("task.list", {});
  assert.deepEqual(listed.tasks.map(({ task_id }) => task_id).toSorted(), tasks.toSorted());
  for (const was of before) {
    const now = await scratch.status(was.task_id);
    assert.equal(now.state, "stopped");
    assert.match(now.state_reason!, /restarted/);
    assert.deepEqual([now.running_commands, now.memory_bytes], [0, null]);
    assert.ok(now.disk_bytes! > 0, "its disk is kept");
    const { environment, created_at, mem_mib, workspace_seed, command_count } = was;
    const kept = { environment, created_at, mem_mib, workspace_seed, command_count };
    assert.deepEqual({ ...now, ...kept }, now);
    const [entry] = await scratch.entries(was.task_id);
    assert.deepEqual([entry?.stdout, entry?.exit_code], ["kept\n", 4]);
    const refused = await scratch.failure("task", "exec", was.task_id, "--", "true");
    assert.deepEqual([refused.status, refused.code, refused.details["state"]], [125, "FAILED_PRECONDITION", "stopped"]);
  }
  const cut = (await scratch.entries(running)).at(-1)!;
  assert.deepEqual([cut.state, cut.stdout, cut.exit_code, cut.error?.code], ["ended", "begun\n", null, "VM_DIED"]);
  assert.deepEqual(scratch.leftovers(), []);
  for (const task of tasks) await scratch.delete(task);
  assert.deepEqual(scratch.taskIds(), []);
});

test("a task that was stopped before a reboot continues after it, with the command that ran", async () => {
  await using scratch = new TaskScratch();
  const task = await scratch.create();
  const command = "echo begun; until [ -e /tmp/go ]; do sleep 0.1; done; echo ended; exit 6";
  const { sequence } = await scratch.client.call("task.exec", { task_id: task, command, background: true });
  await scratch.waitForRunning(task, 1);
  await scratch.client.call("task.stop", { task_id: task });
  assert.deepEqual(scratch.leftovers(), []);

  const runtime = realpathSync(`${scratch.home}/run`);
  await until("everything is dead", () => {
    processesOf(scratch.home).forEach(kill);
    return processesOf(scratch.home).length === 0;
  });
  rmSync(runtime, { recursive: true });

  const stopped = await scratch.status(task);
  assert.deepEqual([stopped.state, stopped.state_reason, stopped.running_commands], ["stopped", null, 1]);
  await scratch.execHere(task, "touch /tmp/go");
  const ended = await scratch.client.call("task.wait", { task_id: task, sequence });
  assert.deepEqual([ended.exit_code, ended.stdout], [6, "begun\nended\n"]);
});
