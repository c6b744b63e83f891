import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { performOperation } from "../../../src/client/perform.js";
import { PulledProject, writeFiles } from "./pulled-project.js";

test("undo: works from the host's journal alone after the task was deleted, by its id and by its name", async (t) => {
  for (const by of ["id", "name"] as const) {
    await using project = await PulledProject.open(t, { a: "1" }, { name: "fix" });
    writeFiles(project.workspace, { a: "2", new: "2" });
    await project.pull();
    await project.client.call("task.delete", { task_id: project.taskId });
    const task_id = by === "id" ? project.taskId : "fix";
    const undone = await performOperation(project.client, "task.sync.undo", { task_id });
    assert.deepEqual([undone.task_id, undone.restored_count, undone.warnings], [project.taskId, 2, []]);
    assert.deepEqual(project.hostFiles(), { a: "1" });
    await assert.rejects(performOperation(project.client, "task.sync.undo", { task_id }), { code: "NOT_FOUND" });
  }
});

test("undo: a name means the task that has it now, and not the pulls of an earlier task with that name", async (t) => {
  await using project = await PulledProject.open(t, { a: "1" }, { name: "fix" });
  const { client, taskId, host, workspace } = project;
  writeFiles(workspace, { a: "2" });
  await project.pull();
  await client.call("task.delete", { task_id: taskId });
  await performOperation(client, "task.create", { environment: "debian:12", name: "fix", source_path: host });
  await assert.rejects(performOperation(client, "task.sync.undo", { task_id: "fix" }), { code: "NOT_FOUND" });
  assert.deepEqual(project.hostFiles(), { a: "2" });
  await performOperation(client, "task.sync.undo", { task_id: taskId });
  assert.deepEqual(project.hostFiles(), { a: "1" });
});

test("undo: refuses when the host changed an entry since, also after the task was deleted", async (t) => {
  await using project = await PulledProject.open(t, { a: "1" });
  writeFiles(project.workspace, { a: "2" });
  await project.pull();
  await project.client.call("task.delete", { task_id: project.taskId });
  writeFileSync(join(project.host, "a"), "mine");
  await assert.rejects(project.undo(), { code: "DESTINATION_CHANGED", message: /^1 entry changed .*: a\.$/ });
  assert.equal(readFileSync(join(project.host, "a"), "utf8"), "mine");
});
