import assert from "node:assert/strict";
import { test } from "node:test";

import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";
import { knowApp } from "../users.js";

test("task reset: the workspace of an empty seed belongs to the task's user", async (t) => {
  await using machines = new AgentMachines();
  const requests = knowApp(machines);
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12", { user: "app" });
  requests.length = 0;
  await task.reset();
  await task.exec("true", { cwd: "/" });
  assert.deepEqual(
    requests.map(({ op, user }) => [op, user]),
    [
      ["own", "app"],
      ["start", "app"],
    ],
  );
  assert.equal((await task.status()).user, "app");
});

test("task reset: a VM that does not know the task's user is not kept", async (t) => {
  await using machines = new AgentMachines();
  knowApp(machines);
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12", { user: "app" });
  const { acquire } = machines;
  machines.acquire = AgentMachines.prototype.acquire.bind(machines);
  await assert.rejects(task.reset(), { code: /^(FAILED_PRECONDITION|INVALID_ARGUMENT)$/ });
  assert.deepEqual([(await task.status()).state, machines.workspaces], ["stopped", []]);
  machines.acquire = acquire;
  assert.equal((await task.start()).state, "started");
});

test("services: the command of a condition runs as the task's user", async (t) => {
  await using machines = new AgentMachines();
  const requests = knowApp(machines);
  const { daemon, pyro, tasks } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12", { user: "app" });
  const { state } = await task.startService("web", "exec sleep 600", { cwd: "/", ready: "command:true" });
  assert.equal(state, "ready");
  const users = requests.filter(({ op }) => op === "start").map(({ user }) => user);
  assert.deepEqual([users.length >= 2, new Set(users)], [true, new Set(["app"])]);
  await tasks.detachAll();
});
