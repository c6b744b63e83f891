import assert from "node:assert/strict";
import { test } from "node:test";

import { VmScratch } from "./vm-scratch.js";

const TASKS = 50;
const AT_ONCE = 5;

test("50 tasks live at once, each answers, and the daemon stays under 200 MiB", async () => {
  await using scratch = new VmScratch();
  const { client } = scratch;
  const ids: string[] = [];
  while (ids.length < TASKS) {
    const created = await Promise.all(
      Array.from({ length: AT_ONCE }, () => client.call("task.create", { environment: "debian:12" })),
    );
    ids.push(...created.map(({ task_id }) => task_id));
  }
  const answers = await Promise.all(
    ids.map((task_id) => client.call("task.exec", { task_id, command: `echo ${task_id}`, timeout_seconds: 120 })),
  );
  assert.deepEqual(
    answers.map(({ stdout }) => stdout),
    ids.map((id) => `${id}\n`),
  );
  const { vms, memory_bytes } = await client.call("daemon.status", {});
  assert.ok(vms! >= TASKS);
  assert.ok(memory_bytes! < 200 * 1_048_576, `the daemon takes ${memory_bytes} bytes`);
  await Promise.all(ids.map((task_id) => client.call("task.delete", { task_id })));
  assert.deepEqual((await client.call("task.list", {})).tasks, []);
  // The end of the scratch looks for what is left, when the daemon has ended the VMs that it keeps ready.
});
