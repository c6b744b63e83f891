import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { kill, until } from "../client/scratch.js";
import { TaskScratch } from "./task-scratch.js";

let scratch: TaskScratch;
before(() => (scratch = new TaskScratch()));
after(() => scratch[Symbol.asyncDispose]());

/** A number in the memory of a process, which a file shows. */
const COUNT = "i=0; while :; do i=$((i+1)); echo $i >/workspace/count; sleep 0.1; done";

const say = async (task: string, script: string) => (await scratch.execHere(task, script, {}, 60)).stdout.trim();
const snapshotOf = async (task: string) => (await scratch.status(task)).automatic_snapshot?.snapshot_id ?? null;

/** An interval longer than the test takes, so that the only snapshot is the one that the test causes. */
const EVERY_SECONDS = 3_600;

/** Has the next daemon make a task's first automatic snapshot: the task becomes older by the interval. */
async function makeDue(task: string): Promise<void> {
  await scratch.killDaemon();
  const path = join(scratch.taskPath(task), "task.json");
  const record = JSON.parse(readFileSync(path, "utf8")) as { created_at: string };
  const createdMs = Date.parse(record.created_at) - EVERY_SECONDS * 1_000;
  writeFileSync(path, JSON.stringify({ ...record, created_at: new Date(createdMs).toISOString() }));
}

test("a VM that dies, with and without a daemon: its processes continue from the last automatic snapshot", async () => {
  const task = await scratch.create({ snapshot_every_seconds: EVERY_SECONDS });
  await scratch.client.call("task.exec", { task_id: task, command: COUNT, background: true });
  assert.equal(await say(task, "echo kept >kept; cat kept"), "kept");
  // On a busy host a guest may not answer in time.
  for (let tries = 0; tries < 3 && (await snapshotOf(task)) === null; tries += 1) {
    await makeDue(task);
    await until("a snapshot is tried", async () => {
      const { snapshot_id, error } = (await scratch.status(task)).automatic_snapshot!;
      return snapshot_id !== null || error !== null;
    });
  }
  await scratch.execHere(task, "echo lost >lost");
  kill(scratch.qemuOf(task));
  await until("the task is restored", async () => (await scratch.status(task)).restored !== null);

  const told = await scratch.execHere(task, "cat kept; ls lost; cat count");
  const { restored, state } = await scratch.status(task);
  assert.equal(state, "started");
  const [kept, count] = told.stdout.trim().split("\n");
  assert.deepEqual([kept, told.restored], ["kept", { ...restored, undone: false }]);
  await until("the process counts on", async () => Number(await say(task, "cat count")) > Number(count));
  const undone = (await scratch.entries(task)).filter((entry) => entry.restored?.undone).map(({ command }) => command);
  assert.deepEqual([undone[0], undone.at(-1)], [COUNT, "echo lost >lost"]);

  const pid = await scratch.daemonPid();
  const qemu = scratch.qemuOf(task);
  kill(pid);
  kill(qemu);
  const gone = await scratch.status(task);
  assert.deepEqual([gone.state, gone.restored?.reason.startsWith("its VM is gone: ")], ["stopped", true]);
  assert.deepEqual(
    (await scratch.entries(task)).filter((entry) => entry.state === "running"),
    [],
  );
  assert.equal(await say(task, "cat kept"), "kept");
  const before = Number(await say(task, "cat count"));
  await until("the process counts on", async () => Number(await say(task, "cat count")) > before);
  await scratch.delete(task);
  assert.deepEqual((await scratch.client.call("task.snapshot.list", {})).snapshots, []);
});
