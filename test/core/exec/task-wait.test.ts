import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../../client/scratch.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

const inBackground = { cwd: "/", background: true };

test("task wait: returns the result when the command has ended, also when it ended before", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro, cli } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const { sequence } = await task.exec("echo out; echo err >&2; exec sleep 1000", inBackground);
  await until("both lines have arrived", async () => {
    const { stdout, stderr } = await task.output(sequence, { waitSeconds: 1 });
    return stdout === "out\n" && stderr === "err\n";
  });
  const waiting = task.wait(sequence);
  await task.signal(sequence, "TERM");
  assert.deepEqual([(await waiting).state, (await waiting).exitCode], ["ended", 143]);

  const again = await cli("task", "wait", task.taskId, String(sequence));
  assert.deepEqual([again.status, again.stdout], [143, "out\n"]);
  assert.match(again.stderr, /^err\n\[task-wait\] task_id=\S+ sequence=1 .*exit_code=143/);
});

test("task wait: returns that the command still runs when the time is over, and leaves it running", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro, cli } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const { sequence } = await task.exec("sleep 1000", inBackground);
  const waited = await cli("task", "wait", task.taskId, String(sequence), "--timeout-seconds", "0");
  assert.equal(waited.status, 124);
  assert.match(waited.stderr, /^pyro: Command 1 is still running\.$/m);
  assert.equal((await task.wait(sequence, { timeoutSeconds: 0 })).state, "running");
});

test("task wait: prints binary output byte for byte", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro, cli } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const { sequence } = await task.exec("printf 'a\\377b'; printf '\\376' >&2", inBackground);
  const waited = await cli("task", "wait", task.taskId, String(sequence));
  assert.deepEqual([waited.status, waited.stdout], [0, "a\uFFFDb"]);
  assert.match(waited.stderr, /^\uFFFD\[task-wait\]/);
});

test("task wait: rejects with NOT_FOUND for a number that no command has", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  await assert.rejects(task.wait(1), { code: "NOT_FOUND" });
});
