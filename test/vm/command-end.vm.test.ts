import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { endOf, until } from "../client/scratch.js";
import { connectStdio } from "../doors/mcp/connect.js";
import { saying, TaskScratch } from "../faults/task-scratch.js";

let scratch: TaskScratch;
let task: string;
before(async () => {
  scratch = new TaskScratch();
  task = await scratch.create();
});
after(() => scratch[Symbol.asyncDispose]());

const NEW_SESSION_AND_DOUBLE_FORK = `perl -e 'if (fork()) { fork() and exit } syscall(112); exec "sleep", "300"'`;
const count = (atLeast: number) =>
  `until [ "$(cat /proc/[0-9]*/comm 2>/dev/null | grep -cx sleep)" -ge ${atLeast} ]; do sleep 0.3; done; echo escaped; sleep 300`;

/** A command that leaves its process group in six ways, prints a line, and waits. */
const ESCAPES = [
  "timeout 300 sleep 299 &",
  "setsid sleep 300 &",
  `su -c "sleep 300" &`,
  `${NEW_SESSION_AND_DOUBLE_FORK} &`,
  `bash -c "set -m; sleep 300 & wait" &`,
  count(6),
].join(" ");
const TWO_ESCAPES = `timeout 300 sleep 299 & (setsid sleep 300 &) ; ${count(2)}`;

const EAT_MEMORY = `exec perl -e '$x .= "x" x 4194304 while 1'`;

/** Starts it in the background; its number. */
async function escape(): Promise<number> {
  const input = { task_id: task, command: ESCAPES, background: true, timeout_seconds: 600 };
  const { sequence } = await scratch.client.call("task.exec", input);
  await escaped(sequence);
  return sequence;
}

async function escaped(sequence: number): Promise<void> {
  const entry = async () => (await scratch.entries(task)).find((candidate) => candidate.sequence === sequence);
  await until("it has left its group", async () => (await entry())?.stdout === "escaped\n");
}

async function assertNothingLeft(): Promise<void> {
  const { stdout } = await scratch.execHere(task, "pgrep -x 'sleep|perl|su|timeout|bash'");
  assert.equal(stdout, "", "processes are left");
}

test("a time-out ends everything that the command has started", async () => {
  const { status, stdout } = await scratch.execToTimeout(task, ESCAPES);
  assert.deepEqual([status, stdout], [124, "escaped\n"]);
  await assertNothingLeft();
});

test("KILL ends everything that the command has started; the port of its server is free at once", async () => {
  const server = `socket(S, 2, 1, 0); bind(S, pack("SnNx8", 2, 8000, 0)) or exit 9; listen(S, 1); print "listening\\n";`;
  const start = { task_id: task, command: `setsid perl -e '$| = 1; ${server} sleep 300' & wait`, background: true };
  for (const _ of ["first", "second"]) {
    const { sequence } = await scratch.client.call("task.exec", { ...start, timeout_seconds: 600 });
    const page = { task_id: task, sequence, wait_seconds: 60 };
    assert.equal((await scratch.client.call("task.exec_output", page)).stdout, "listening\n");
    await scratch.client.call("task.exec_signal", { task_id: task, sequence, signal: "KILL" });
    await scratch.client.call("task.exec_output", { ...page, stdout_offset: 10, wait_for: "end" });
  }
  const sequence = await escape();
  await scratch.client.call("task.exec_signal", { task_id: task, sequence, signal: "KILL" });
  await scratch.client.call("task.exec_output", { task_id: task, sequence, wait_seconds: 60, wait_for: "end" });
  await assertNothingLeft();
});

test("Ctrl-C runs the command's trap, then ends everything that it has started", async () => {
  const child = scratch.startExec(task, `trap 'echo trapped; exit 0' INT; ${TWO_ESCAPES}`);
  const ended = endOf(child);
  await saying(child, "escaped");
  child.kill("SIGINT");
  const { status, stdout } = await ended;
  assert.deepEqual([status, stdout], [130, "escaped\ntrapped\n"]);
  assert.equal((await scratch.entries(task)).at(-1)?.aborted, true);
  await assertNothingLeft();
});

test("a cancelled MCP request ends everything that its command has started", async () => {
  await using mcp = await connectStdio(scratch.env);
  const controller = new AbortController();
  const sequence = (await scratch.entries(task)).length + 1;
  const input = { task_id: task, command: TWO_ESCAPES, timeout_seconds: 600 };
  const call = mcp.call("task_exec", input, { signal: controller.signal, timeout: 120_000 });
  call.catch(() => {});
  await escaped(sequence);
  controller.abort();
  await assert.rejects(call);
  await until("it has ended", async () => (await scratch.status(task)).running_commands === 0);
  assert.equal((await scratch.entries(task)).at(-1)?.aborted, true);
  await assertNothingLeft();
});

test("a service that a command started keeps running when the command ends by itself, and later commands leave it alone", async () => {
  const start = "nohup setsid sleep 4321 >/dev/null 2>&1 & until pgrep -xf 'sleep 4321'; do sleep 0.1; done";
  await scratch.execHere(task, start);
  const killed = await scratch.execHere(task, "sleep 300", {}, 1);
  assert.equal(killed.timed_out, true);
  const { stdout } = await scratch.execHere(task, "pgrep -xf 'sleep 4321' | wc -l; pkill -xf 'sleep 4321'");
  assert.equal(stdout, "1\n");
});

test("a command that runs out of memory: the result says so, and the task keeps running", async () => {
  const { status, stderr } = await scratch.exec(task, EAT_MEMORY, "--timeout-seconds", "600");
  assert.equal(status, 137);
  assert.match(stderr, /256 MiB.*\nhint: .*task create --mem-mib 512/);
  const child = await scratch.execHere(task, `sh -c '${EAT_MEMORY.replaceAll("'", `'\\''`)}'; echo $?`);
  assert.deepEqual([child.exit_code, child.stdout, child.oom_killed], [0, "137\n", true]);
  const { sequence } = child;
  const page = await scratch.client.call("task.exec_output", { task_id: task, sequence });
  assert.deepEqual([page.oom_killed, page.mem_mib], [true, 256]);
  const after = await scratch.execHere(task, "echo alive");
  assert.deepEqual([after.stdout, after.oom_killed], ["alive\n", false]);
  const known = (await scratch.entries(task)).map(({ oom_killed }) => oom_killed);
  assert.deepEqual(known.slice(-3), [true, true, false]);
});
