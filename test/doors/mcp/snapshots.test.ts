import assert from "node:assert/strict";
import { test } from "node:test";

import { AgentMachines } from "../../core/agent-machines.js";
import { openTasks } from "../../core/open-tasks.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { connectHere, textOf } from "./connect.js";

test("task_snapshot: one tool makes, lists and deletes snapshots", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  await using mcp = await connectHere({ env: daemon.env, profile: "full" });
  const ask = async (fields: Record<string, unknown>) => textOf(await mcp.call("task_snapshot", fields));
  const made = await ask({ task_id: task.taskId, name: "first" });
  assert.match(made, new RegExp(`^snap-[0-9a-f]{12} of ${task.taskId} at .*: 1 MiB, name first$`));
  assert.equal(await ask({ action: "list" }), made);
  assert.equal(await ask({ action: "list", task_id: task.taskId }), made);
  assert.match(await ask({ action: "delete", snapshot_id: "first" }), /^Deleted snap-[0-9a-f]{12}\.$/);
  assert.equal(await ask({ action: "list" }), "There are no snapshots.");
  for (const fields of [{}, { action: "delete" }]) {
    assert.equal((await mcp.failure("task_snapshot", fields)).code, "INVALID_ARGUMENT");
  }
  assert.equal((await mcp.failure("task_snapshot", { action: "delete", snapshot_id: "first" })).code, "NOT_FOUND");
});
