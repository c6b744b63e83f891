import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { random } from "../seed.js";
import { endOf, kill, until } from "../client/scratch.js";
import { roundsOr, saying, TaskScratch, type Entry } from "./task-scratch.js";

const AT_ONCE = 4;
const LINES = 30;

let scratch: TaskScratch;
let hung: string;
let other: string;
before(async () => {
  scratch = new TaskScratch();
  [hung, other] = [await scratch.create(), await scratch.create()];
  for (const task of [hung, other]) await scratch.execHere(task, "true");
});
after(() => scratch[Symbol.asyncDispose]());

/** Pauses the QEMU of a task during some work. */
async function whileStopped<T>(task: string, work: () => Promise<T>): Promise<T> {
  const qemu = scratch.qemuOf(task);
  process.kill(qemu, "SIGSTOP");
  try {
    return await work();
  } finally {
    process.kill(qemu, "SIGCONT");
  }
}

const howItEnded = ({ state, stdout, exit_code, timed_out, aborted, error }: Entry) => {
  return { state, stdout, exit_code, timed_out, aborted, error };
};
const cutAt = (stdout: string) => {
  return { state: "ended", stdout, exit_code: 124, timed_out: true, aborted: false, error: null };
};

/** All requests to a daemon are answered while VMs are paused. */
async function assertResponsive(): Promise<void> {
  assert.equal((await scratch.execHere(other, "echo here")).stdout, "here\n");
  const { tasks } = await scratch.client.call("task.list", {});
  assert.ok(tasks.every(({ state }) => state === "started"));
}

test("QEMUs stopped at any moment: commands time out on time, daemons answer, and commands with time left continue", async () => {
  const rounds = roundsOr(8);
  const tasks = [hung, ...(await Promise.all([1, 2, 3].map(() => scratch.create())))];
  for (let round = 0; round < rounds; round += AT_ONCE) {
    const count = `perl -e '$| = 1; for (1..${LINES}) { print qq(${round} $_\\n); select undef, undef, undef, 0.05 }'; exit 5`;
    const lines = Array.from({ length: LINES }, (_, index) => `${round} ${index + 1}\n`).join("");
    const isDaemonKilled = round % (2 * AT_ONCE) === AT_ONCE;
    let stopped = 0;
    await Promise.all(
      tasks.map(async (task) => {
        const counting = scratch.execHere(task, count);
        const begun = scratch.execHere(task, `echo begun; sleep 6${round}`, {}, 5);
        await until("it has begun", async () =>
          (await scratch.entries(task)).some(({ command, stdout }) => command.endsWith(` 6${round}`) && stdout !== ""),
        );
        await sleep(random() * 1_000);
        await whileStopped(task, async () => {
          stopped += 1;
          await until("all stand still", () => stopped === AT_ONCE);
          if (isDaemonKilled && task === hung) await scratch.killDaemon();
          const late = scratch.execHere(task, "sleep 60", {}, 1);
          await assertResponsive();
          assert.deepEqual([howItEnded(await late), howItEnded(await begun)], [cutAt(""), cutAt("begun\n")]);
        });
        const { exit_code, stdout } = await counting;
        assert.deepEqual([exit_code, stdout], [5, lines]);
        await until("the dead are dead", async () => (await scratch.execHere(task, "pgrep sleep")).exit_code === 1);
      }),
    );
  }
  for (const task of tasks.slice(1)) await scratch.delete(task);
});

test("a command in a stopped QEMU times out, and Ctrl-C ends it", async () => {
  await whileStopped(hung, async () => {
    const late = await scratch.exec(hung, "sleep 60", "--timeout-seconds", "1");
    assert.equal(late.status, 124, late.stderr);
    const count = (await scratch.entries(hung)).length;
    const child = scratch.startExec(hung, "sleep 60");
    const ended = endOf(child);
    await until("it is asked for", async () => (await scratch.entries(hung)).length > count);
    child.kill("SIGINT");
    assert.equal((await ended).status, 130);
    assert.equal((await scratch.entries(hung)).at(-1)?.aborted, true);
  });
});

test("a stopped QEMU keeps its task when daemons die, and does not block other tasks", async () => {
  const begun = scratch.startExec(hung, "echo begun; while [ ! -e go ]; do sleep 0.1; done; echo over; exit 7");
  const begunEnded = endOf(begun);
  await saying(begun, "begun");
  const patient = await whileStopped(hung, async () => {
    for (let deaths = 0; deaths < 3; deaths += 1) {
      await scratch.killDaemon();
      await assertResponsive();
    }
    await until("it is shown that it does not answer", async () => (await scratch.status(hung)).state_reason !== null);
    const { state, running_commands } = await scratch.status(hung);
    assert.deepEqual([state, running_commands], ["started", 1]);
    assert.equal((await scratch.entries(hung)).at(-1)?.stdout, "begun\n");
    assert.deepEqual(howItEnded(await scratch.execHere(hung, "touch late", {}, 1)), cutAt(""));
    const asked = endOf(scratch.startExec(hung, "ls late; touch go; echo again"));
    await until("it is asked for", async () => (await scratch.status(hung)).running_commands === 2);
    return { asked };
  });
  assert.equal((await patient.asked).stdout, "again\n", "what timed out before the VM answered has run");
  const { status, stdout } = await begunEnded;
  assert.deepEqual([status, stdout], [7, "begun\nover\n"]);
  const { state, state_reason } = await scratch.status(hung);
  assert.deepEqual([state, state_reason], ["started", null]);
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
  await scratch.delete(hung);
});

test("a task whose QEMU is stopped can be deleted, also by a later daemon that its agent has never answered", async () => {
  process.kill(scratch.qemuOf(other), "SIGSTOP");
  const silent = await scratch.create();
  process.kill(scratch.qemuOf(silent), "SIGSTOP");
  await scratch.killDaemon();
  await scratch.delete(silent);
  await scratch.delete(other);
  assert.deepEqual(scratch.leftovers(), []);
});
