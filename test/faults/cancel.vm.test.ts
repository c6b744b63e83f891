import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { endOf, until } from "../client/scratch.js";
import { saying, TaskScratch } from "./task-scratch.js";

let scratch: TaskScratch;
let task: string;
before(async () => {
  scratch = new TaskScratch();
  task = await scratch.create();
});
after(() => scratch[Symbol.asyncDispose]());

const SCRIPT = "echo begun; sleep 1000 & sleep 1000";

async function assertAborted(sequence: number): Promise<void> {
  const entry = (await scratch.entries(task)).find((candidate) => candidate.sequence === sequence);
  assert.deepEqual(
    [entry?.state, entry?.stdout, entry?.aborted, entry?.timed_out, entry?.error],
    ["ended", "begun\n", true, false, null],
  );
  assert.equal((await scratch.execHere(task, "pgrep sleep")).exit_code, 1, "a sleep is left");
}

test("Ctrl-C ends the whole process group; the log says aborted and has the output", async () => {
  const child = scratch.startExec(task, SCRIPT);
  const ended = endOf(child);
  await saying(child, "begun");
  child.kill("SIGINT");
  const { status, stdout } = await ended;
  assert.deepEqual([status, stdout], [130, "begun\n"]);
  await assertAborted(1);
});

test("Ctrl-C ends the process group also when the client has reconnected to a new daemon", async () => {
  const { length } = await scratch.entries(task);
  const child = scratch.startExec(task, SCRIPT);
  const ended = endOf(child);
  await saying(child, "begun");
  await scratch.killDaemon();
  await until("it is taken over", async () => (await scratch.status(task)).running_commands === 1);
  child.kill("SIGINT");
  assert.equal((await ended).status, 130);
  await until("it is over", async () => (await scratch.status(task)).running_commands === 0);
  await assertAborted(length + 1);
});

test("a time-out kills the whole process group, and the log shows the time-out", async () => {
  const { status, stdout } = await scratch.execToTimeout(task, SCRIPT);
  assert.deepEqual([status, stdout], [124, "begun\n"]);
  const entry = (await scratch.entries(task)).at(-1)!;
  assert.deepEqual([entry.stdout, entry.aborted, entry.timed_out], ["begun\n", false, true]);
  assert.equal((await scratch.execHere(task, "pgrep sleep")).exit_code, 1);
});
