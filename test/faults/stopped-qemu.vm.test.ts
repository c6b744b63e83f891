import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { endOf, kill, until } from "../client/scratch.js";
import { saying, TaskScratch } from "./task-scratch.js";

let scratch: TaskScratch;
let hung: string;
let other: string;
before(async () => {
  scratch = new TaskScratch();
  [hung, other] = [await scratch.create(), await scratch.create()];
  for (const task of [hung, other]) await scratch.exec(task, "true");
});
after(() => scratch[Symbol.asyncDispose]());

async function timed<T>(work: Promise<T>): Promise<{ ms: number; result: T }> {
  const started = performance.now();
  const result = await work;
  return { ms: performance.now() - started, result };
}

test("commands in a QEMU that stands still time out as asked; everything else goes on; then it works again", async () => {
  const begun = scratch.startExec(hung, "echo begun; sleep 60", "--timeout-seconds", "4");
  const begunEnded = endOf(begun);
  await saying(begun, "begun");
  const qemu = scratch.qemuOf(hung);
  process.kill(qemu, "SIGSTOP");
  try {
    const late = timed(scratch.exec(hung, "echo late >/workspace/late; sleep 60", "--timeout-seconds", "2"));
    const answers = await Promise.all([
      timed(scratch.pyro(["daemon", "status"])),
      timed(scratch.pyro(["task", "list"])),
      timed(scratch.exec(other, "echo here")),
    ]);
    assert.deepEqual(
      answers.map(({ result }) => result.status),
      [0, 0, 0],
    );
    for (const { ms } of answers) assert.ok(ms < 3_000, `answered after ${ms} ms`);

    const { ms, result } = await late;
    assert.equal(result.status, 124, result.stderr);
    assert.ok(ms > 1_900 && ms < 6_000, `ended after ${ms} ms`);
    const { status, stdout } = await begunEnded;
    assert.deepEqual([status, stdout], [124, "begun\n"]);
    const entries = (await scratch.entries(hung)).slice(-2);
    assert.deepEqual(
      entries.map(({ state, timed_out, aborted, error }) => [state, timed_out, aborted, error]),
      entries.map(() => ["ended", true, false, null]),
    );
  } finally {
    process.kill(qemu, "SIGCONT");
  }
  const { status, stdout } = await scratch.exec(hung, "echo again");
  assert.deepEqual([status, stdout], [0, "again\n"]);
  await until("what timed out is dead", async () => (await scratch.exec(hung, "pgrep sleep")).status === 1);
});

test("Ctrl-C ends a call to a QEMU that stands still", async () => {
  const qemu = scratch.qemuOf(hung);
  process.kill(qemu, "SIGSTOP");
  try {
    const count = (await scratch.entries(hung)).length;
    const child = scratch.startExec(hung, "sleep 60");
    const ended = endOf(child);
    await until("it is asked for", async () => (await scratch.entries(hung)).length > count);
    child.kill("SIGINT");
    const { ms, result } = await timed(ended);
    assert.equal(result.status, 130);
    assert.ok(ms < 4_000, `ended after ${ms} ms`);
    assert.equal((await scratch.entries(hung)).at(-1)?.aborted, true);
  } finally {
    process.kill(qemu, "SIGCONT");
  }
});

test("a QEMU that stands still while daemons die costs its task nothing, and keeps nobody from the others", async () => {
  const begun = scratch.startExec(hung, "echo begun; while [ ! -e go ]; do sleep 0.1; done; echo over; exit 7");
  const begunEnded = endOf(begun);
  await saying(begun, "begun");
  const qemu = scratch.qemuOf(hung);
  process.kill(qemu, "SIGSTOP");
  try {
    for (let deaths = 0; deaths < 3; deaths += 1) {
      await scratch.killDaemon();
      const { ms, result } = await timed(scratch.exec(other, "echo here"));
      assert.deepEqual([result.status, result.stdout], [0, "here\n"], result.stderr);
      assert.ok(ms < 5_000, `answered after ${ms} ms`);
    }
    await until("it is shown that it does not answer", async () => (await scratch.status(hung)).state_reason !== null);
    const { state, state_reason, running_commands } = await scratch.status(hung);
    assert.deepEqual([state, running_commands], ["started", 1]);
    assert.match(state_reason!, /has not answered/);
    assert.equal((await scratch.entries(hung)).at(-1)?.stdout, "begun\n");

    const { ms, result } = await timed(scratch.exec(hung, "touch late", "--timeout-seconds", "1"));
    assert.equal(result.status, 124, result.stderr);
    assert.ok(ms > 900 && ms < 5_000, `ended after ${ms} ms`);
    const patient = endOf(scratch.startExec(hung, "ls late; touch go; echo again"));
    await until("it is asked for", async () => (await scratch.status(hung)).running_commands === 2);
    process.kill(qemu, "SIGCONT");
    assert.equal((await patient).stdout, "again\n", "what timed out before the VM answered has run");
  } finally {
    process.kill(qemu, "SIGCONT");
  }
  const { status, stdout } = await begunEnded;
  assert.deepEqual([status, stdout], [7, "begun\nover\n"]);
  const { state, state_reason } = await scratch.status(hung);
  assert.deepEqual([state, state_reason], ["started", null]);
});

test("a command whose QEMU stands still beyond a daemon's death times out as it was asked to", async () => {
  const child = scratch.startExec(hung, "echo begun; sleep 60", "--timeout-seconds", "2");
  const ended = endOf(child);
  await saying(child, "begun");
  const qemu = scratch.qemuOf(hung);
  process.kill(qemu, "SIGSTOP");
  try {
    await scratch.killDaemon();
    const { status, stdout } = await ended;
    assert.deepEqual([status, stdout], [124, "begun\n"]);
    assert.equal((await scratch.entries(hung)).at(-1)?.timed_out, true);
  } finally {
    process.kill(qemu, "SIGCONT");
  }
  await until("it is dead", async () => (await scratch.exec(hung, "pgrep sleep")).status === 1);
});

test("a QEMU that dies before a new daemon has its answer makes the task fail, with its logs kept", async () => {
  const child = scratch.startExec(hung, "echo begun; sleep 60");
  const ended = endOf(child);
  await saying(child, "begun");
  const qemu = scratch.qemuOf(hung);
  process.kill(qemu, "SIGSTOP");
  await scratch.killDaemon();
  assert.equal((await scratch.status(hung)).state, "started");
  kill(qemu);
  await until("the task has failed", async () => (await scratch.status(hung)).state === "failed");
  const { status, stdout } = await ended;
  assert.deepEqual([status, stdout], [125, "begun\n"]);
  assert.match((await scratch.status(hung)).state_reason!, /^its VM ended: /);
  const last = (await scratch.entries(hung)).at(-1)!;
  assert.deepEqual([last.state, last.stdout, last.error?.code], ["ended", "begun\n", "VM_DIED"]);
  assert.equal((await scratch.pyro(["task", "delete", hung])).status, 0);
});

test("a task whose QEMU stands still can be deleted, also by a daemon that it has not answered", async () => {
  process.kill(scratch.qemuOf(other), "SIGSTOP");
  const silent = await scratch.create();
  process.kill(scratch.qemuOf(silent), "SIGSTOP");
  await scratch.killDaemon();
  assert.equal((await scratch.pyro(["task", "delete", silent])).status, 0);
  const { ms, result } = await timed(scratch.pyro(["task", "delete", other]));
  assert.equal(result.status, 0);
  assert.ok(ms < 5_000, `deleted after ${ms} ms`);
});
