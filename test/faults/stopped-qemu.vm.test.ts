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

test("a task whose QEMU stands still does not keep a new daemon from the others", async () => {
  const qemu = scratch.qemuOf(hung);
  process.kill(qemu, "SIGSTOP");
  try {
    await scratch.killDaemon();
    const { ms, result } = await timed(scratch.exec(other, "echo here"));
    assert.deepEqual([result.status, result.stdout], [0, "here\n"], result.stderr);
    assert.ok(ms < 12_000, `answered after ${ms} ms`);
  } finally {
    kill(qemu);
  }
  const { state, state_reason } = await scratch.status(hung);
  assert.equal(state, "failed");
  assert.match(state_reason!, /new daemon/);
  assert.equal((await scratch.entries(hung)).length > 0, true);
});

test("a task whose QEMU stands still can be deleted", async () => {
  process.kill(scratch.qemuOf(other), "SIGSTOP");
  const { ms, result } = await timed(scratch.pyro(["task", "delete", other]));
  assert.equal(result.status, 0);
  assert.ok(ms < 5_000, `deleted after ${ms} ms`);
});
