import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { until } from "../../client/scratch.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

test("tasks: the snapshot of a stopped task stays when the task cannot be read", async (t) => {
  await using machines = new AgentMachines();
  const home = temporaryDirectory(t);
  const first = await openTasks(home, machines);
  const { taskId } = await first.pyro.createTask("debian:12");
  await first.pyro.stopTask(taskId);
  await first.daemon[Symbol.asyncDispose]();
  await first.tasks.detachAll();
  const record = join(home, "tasks", taskId, "task.json");
  const whole = readFileSync(record);
  writeFileSync(record, "damaged");
  await (await openTasks(home, machines)).daemon[Symbol.asyncDispose]();
  writeFileSync(record, whole);

  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  assert.equal((await pyro.startTask(taskId)).state, "started");
  await pyro.deleteTask(taskId);
});

test("task: two changes of its record at once are both kept", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro, tasks } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const { vm } = tasks.get(task.taskId);
  const ports = [{ port: 80, host_port: 8080 }];
  await Promise.all([vm.change({ ports }), vm.change({ parent_snapshot: "snap-0123456789ab" })]);
  assert.deepEqual([vm.record.ports, vm.record.parent_snapshot], [ports, "snap-0123456789ab"]);
});

test("task reset: the record names the environment of the snapshot", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro, tasks } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  await task.snapshot({ name: "first" });
  machines.environmentDigest = "d2";
  await task.reset();
  assert.equal(tasks.get(task.taskId).record.environment_digest, "d2");
  await task.reset({ to: "first" });
  assert.equal(tasks.get(task.taskId).record.environment_digest, "d1");
});

test("task reset: its snapshot cannot be deleted before the record names it", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  await task.snapshot({ name: "first" });
  machines.checkSnapshot = async () => {
    await assert.rejects(pyro.deleteSnapshot("first"), { code: "FAILED_PRECONDITION" });
    return null;
  };
  assert.equal((await task.reset({ to: "first" })).state, "started");
  await pyro.deleteSnapshot("first");
});

test("task fork: has the base of a snapshot that is deleted while the fork starts", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro, tasks } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  const sourcePath = temporaryDirectory(t);
  writeFileSync(join(sourcePath, "file"), "content\n");
  await using task = await pyro.createTask("debian:12", { sourcePath });
  await task.snapshot({ name: "first" });
  let deleting: Promise<unknown> | null = null;
  machines.before = async () => {
    deleting = pyro.deleteSnapshot("first");
    await until("the snapshot is not listed", async () => (await pyro.listSnapshots()).snapshots.length === 0);
  };
  const [fork] = (await pyro.forkTask("first")).tasks;
  await deleting;
  assert.deepEqual([...(await tasks.get(fork!.taskId).base.read()).manifest.keys()], ["file"]);
  await pyro.deleteTask(fork!.taskId);
});

test("task fork: fails when the task is deleted while the fork starts", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  const task = await pyro.createTask("debian:12");
  machines.before = async () => void (await task.delete());
  await assert.rejects(task.fork(), { code: "ABORTED" });
  assert.deepEqual((await pyro.listTasks()).tasks, []);
});

test("task delete: succeeds when another call has deleted a snapshot of the task", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  const task = await pyro.createTask("debian:12");
  await task.snapshot({ name: "first" });
  const { snapshots } = machines;
  const remove = snapshots.delete.bind(snapshots);
  snapshots.delete = async (snapshotId) => {
    await remove(snapshotId);
    await remove(snapshotId);
  };
  await task.delete();
  assert.deepEqual((await pyro.listTasks()).tasks, []);
});

test("task snapshot list: leaves out a snapshot that is deleted meanwhile", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  for (let round = 0; round < 5; round++) {
    const { snapshotId } = await pyro.snapshotTask(task.taskId);
    const lists = Array.from({ length: 10 }, () => pyro.listSnapshots());
    const [all] = await Promise.all([Promise.all(lists), pyro.deleteSnapshot(snapshotId)]);
    for (const { snapshots } of all) assert.ok(snapshots.every((each) => each.snapshotId === snapshotId));
  }
});
