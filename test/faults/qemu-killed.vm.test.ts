import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { endOf, kill, until } from "../client/scratch.js";
import { saying, TaskScratch } from "./task-scratch.js";

let scratch: TaskScratch;
before(() => {
  scratch = new TaskScratch();
});
after(() => scratch[Symbol.asyncDispose]());

const SCRIPT = "echo first; echo problem >&2; echo second; sleep 60; echo never";

async function assertFails(afterRestart: boolean): Promise<void> {
  const [doomed, other] = [await scratch.create(), await scratch.create()];
  const child = scratch.startExec(doomed, SCRIPT);
  const ended = endOf(child);
  await saying(child, "second");
  const neighbour = scratch.startExec(other, "echo one; sleep 3; echo two");
  const neighbourEnded = endOf(neighbour);
  await saying(neighbour, "one");
  if (afterRestart) {
    await scratch.killDaemon();
    await until("the command is taken over", async () => (await scratch.status(doomed)).running_commands === 1);
  }

  const killedAt = performance.now();
  kill(scratch.qemuOf(doomed));
  await until("the task has failed", async () => (await scratch.status(doomed)).state === "failed");
  const ms = performance.now() - killedAt;
  assert.ok(ms < 2_000, `failed after ${ms} ms`);
  const { state_reason, running_commands, last_command } = await scratch.status(doomed);
  assert.match(state_reason!, /^its VM ended: /);
  assert.deepEqual([running_commands, last_command?.exit_code], [0, null]);

  const { status, stdout, stderr } = await ended;
  assert.deepEqual([status, stdout], [125, "first\nsecond\n"]);
  assert.match(stderr, /^problem\npyro: .*\n\[task-exec\] .*exit_code=none/);
  const [entry] = await scratch.entries(doomed);
  assert.deepEqual(
    [
      entry?.state,
      entry?.stdout,
      entry?.stderr,
      entry?.exit_code,
      entry?.error?.code,
      entry?.timed_out,
      entry?.aborted,
    ],
    ["ended", "first\nsecond\n", "problem\n", null, "VM_DIED", false, false],
  );

  const refused = await scratch.failure("task", "exec", doomed, "--", "true");
  assert.deepEqual([refused.status, refused.code, refused.details["state"]], [125, "FAILED_PRECONDITION", "failed"]);
  const { status: neighbourStatus, stdout: neighbourSaid } = await neighbourEnded;
  assert.deepEqual([neighbourStatus, neighbourSaid], [0, "one\ntwo\n"]);

  // A new daemon says the same.
  await scratch.pyro(["daemon", "stop"]);
  assert.deepEqual((await scratch.status(doomed)).state_reason, state_reason);
  assert.deepEqual(await scratch.entries(doomed), [entry]);
  for (const task of [doomed, other]) assert.equal((await scratch.pyro(["task", "delete", task])).status, 0);
  assert.deepEqual([scratch.leftovers(), scratch.taskIds()], [[], []]);
}

test("a task whose QEMU is killed fails with the reason and what it said; others do not notice", () =>
  assertFails(false));

test("so it does when a later daemon has taken it over", () => assertFails(true));

test("a QEMU that is killed while no daemon runs ends its command with what the log has", async () => {
  const task = await scratch.create();
  const child = scratch.startExec(task, SCRIPT);
  await saying(child, "second");
  const qemu = scratch.qemuOf(task);
  const pid = await scratch.daemonPid();
  child.kill("SIGKILL");
  kill(pid);
  kill(qemu);
  const { state, state_reason } = await scratch.status(task);
  assert.equal(state, "stopped");
  assert.match(state_reason!, /VM/);
  const [entry] = await scratch.entries(task);
  assert.deepEqual([entry?.state, entry?.stdout, entry?.error?.code], ["ended", "first\nsecond\n", "VM_DIED"]);
});
