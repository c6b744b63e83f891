import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { kill, processesOf, until } from "../client/scratch.js";
import { TaskScratch } from "../faults/task-scratch.js";

test("a task takes the VM that is kept ready, and outlives a killed daemon like any other", async () => {
  await using scratch = new TaskScratch();
  const { client } = scratch;
  const tasks = [await scratch.create(), await scratch.create()];
  await until("a VM is kept ready", async () =>
    (await client.call("daemon.status", {})).spares.some(({ ready }) => ready === 1),
  );
  const vms = readdirSync(join(scratch.home, "vms"));
  const task = await scratch.create();
  assert.ok(vms.includes(task.replace("task-", "vm-")));
  await scratch.execHere(task, "echo kept >file");
  kill((await client.call("daemon.status", {})).pid!);
  assert.equal((await scratch.execHere(task, "cat file; hostname")).stdout, `kept\n${task.replace("task-", "vm-")}\n`);
  for (const each of [...tasks, task]) await scratch.delete(each);
  await client.call("daemon.stop", {});
  await until("nothing is left", () => processesOf(scratch.home).length === 0);
});
