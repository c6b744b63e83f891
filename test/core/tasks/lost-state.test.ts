import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { machineIdOf } from "../../../src/core/tasks/machine-id.js";
import { PyroError } from "../../../src/index.js";
import { until } from "../../client/scratch.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

test("task reset: refuses to go back to a source of which no list is kept, and changes nothing", async (t) => {
  await using machines = new AgentMachines();
  const home = temporaryDirectory(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  const sourcePath = temporaryDirectory(t);
  writeFileSync(join(sourcePath, "a"), "a\n");
  await using task = await pyro.createTask("debian:12", { sourcePath });
  await task.exec("echo kept >note", { cwd: "/workspace" });
  rmSync(join(home, "tasks", task.taskId, "base", "seed.gz"));
  await assert.rejects(task.reset(), ({ code, details }: PyroError) => {
    assert.deepEqual([code, details["reason"]], ["FAILED_PRECONDITION", "seed_not_kept"]);
    return true;
  });
  assert.equal((await task.exec("cat note", { cwd: "/workspace" })).stdout, "kept\n");
});

test("task try: when the first fork dies before its variant, the others are still tried", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const acquireFrom = machines.acquireFrom.bind(machines);
  let isFirst = true;
  machines.acquireFrom = async (snapshot, continuation) => {
    const machine = await acquireFrom(snapshot, continuation);
    if (!isFirst) return machine;
    isFirst = false;
    const { channel } = machine;
    const send = channel.send.bind(channel);
    channel.send = (type, stream, payload) => {
      if (!payload.includes('"list"')) return send(type, stream, payload);
      machines.die(continuation.id);
      return true;
    };
    return machine;
  };
  machines.room = 1;
  const { variants } = await task.tryVariants({ variants: ["true", "echo yes >new"], cwd: "/workspace" });
  assert.deepEqual(
    variants.map(({ outcome }) => outcome),
    ["error", "passed"],
  );
  assert.deepEqual(variants[1]?.changed, [{ path: "new", status: "added", lines: "+1 -0" }]);
});

test("task reset: a push after a return to the source deletes what the source no longer has", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  const sourcePath = temporaryDirectory(t);
  for (const name of ["a", "b"]) writeFileSync(join(sourcePath, name), `${name}\n`);
  await using task = await pyro.createTask("debian:12", { sourcePath });
  rmSync(join(sourcePath, "b"));
  assert.equal((await task.syncPush(sourcePath, { delete: true })).deletedCount, 1);
  await task.reset({ to: "seed" });
  await task.exec("echo mine >mine", { cwd: "/workspace" });
  assert.equal((await task.syncPush(sourcePath, { delete: true })).deletedCount, 1);
  assert.equal((await task.exec("ls", { cwd: "/workspace" })).stdout, "a\nmine\n");
});

test("task: the reason of a VM that was lost is part of a sentence, so it has no full stop of its own", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  await pyro.startService(task.taskId, "web", { command: "exec sleep 1000", cwd: "/" });
  machines.break(machineIdOf(task.taskId), new PyroError("AGENT_PROTOCOL", "The guest lied."));
  await until("the task has failed", async () => (await task.status()).state === "failed");
  assert.equal((await task.status()).stateReason, "its VM was ended: The guest lied");
  await assert.rejects(async () => task.exec("true"), {
    message: `Task ${task.taskId} is failed: its VM was ended: The guest lied.`,
  });
  const { services } = await pyro.listServices(task.taskId);
  assert.doesNotMatch(services[0]?.reason ?? "none", /\.$/);
});
