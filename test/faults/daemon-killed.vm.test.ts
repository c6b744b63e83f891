import assert from "node:assert/strict";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { execTask } from "../../src/client/task-exec.js";
import { endOf, kill, processesOf, until, type Ended } from "../client/scratch.js";
import { rounds, saying, TaskScratch, type Entry } from "./task-scratch.js";

const TASKS = 5;
const COMMANDS = 3;
const LINES = 8;
/** Its directory, and that of its sockets with two in it. */
const FILES_OF_A_VM = 4;

let scratch: TaskScratch;
let tasks: string[];
before(async () => {
  scratch = new TaskScratch();
  tasks = [];
  while (tasks.length < TASKS) tasks.push(await scratch.create());
});
after(() => scratch[Symbol.asyncDispose]());

interface Planned {
  readonly task: string;
  readonly script: string;
  readonly expected: Ended;
}

/** A command of numbered lines on both streams, with pauses, and an exit status of its own. */
function plan(task: string, round: number, number: number): Planned {
  const name = `round ${round} command ${number}`;
  const loop = `i=0; while [ $i -lt ${LINES} ]; do i=$((i+1)); echo "${name} out $i"; echo "${name} err $i" >&2; sleep 0.2; done`;
  const lines = (stream: string) =>
    Array.from({ length: LINES }, (_, index) => `${name} ${stream} ${index + 1}\n`).join("");
  const status = 10 * round + number;
  return { task, script: `${loop}; exit ${status}`, expected: { status, stdout: lines("out"), stderr: lines("err") } };
}

const withoutFooter = ({ status, stdout, stderr }: Ended): Ended => ({
  status,
  stdout,
  stderr: stderr.replace(/\[task-exec\].*\n$/, ""),
});
const outcomeOf = ({ exit_code, stdout, stderr }: Entry): Ended => ({ status: exit_code, stdout, stderr });
const byStatus = (a: Ended, b: Ended) => a.status! - b.status!;

async function assertLogged(task: string, commands: readonly Planned[]): Promise<void> {
  const scripts = new Set(commands.map(({ expected }) => expected.status));
  const entries = (await scratch.entries(task)).filter(({ exit_code }) => scripts.has(exit_code!));
  const expected = commands.filter((command) => command.task === task).map((command) => command.expected);
  assert.deepEqual(entries.map(outcomeOf).toSorted(byStatus), expected.toSorted(byStatus));
  for (const { error, aborted, timed_out } of entries) {
    assert.deepEqual({ error, aborted, timed_out }, { error: null, aborted: false, timed_out: false });
  }
}

test("a daemon killed while 15 commands run loses nothing and repeats nothing", async () => {
  for (let round = 1; round <= rounds; round += 1) {
    const commands = tasks.flatMap((task) =>
      Array.from({ length: COMMANDS }, (_, index) => plan(task, round, index + 1)),
    );
    const children = commands.map(({ task, script }) => scratch.startExec(task, script));
    const begun = Promise.all(children.map((child) => once(child.stdout!, "data")));
    const ended = Promise.all(children.map(endOf));
    await begun;
    const momentMs = Math.random() * 2_000;
    await sleep(momentMs);
    await scratch.killDaemon();
    const results = (await ended).map(withoutFooter);
    for (const [index, result] of results.entries()) {
      assert.deepEqual(result, commands[index]!.expected, `round ${round}, killed after ${momentMs} ms`);
    }
    for (const task of tasks) await assertLogged(task, commands);
  }
});

test("a daemon killed again and again, while a command runs, changes nothing", async () => {
  const command = plan(tasks[0]!, 24, 1);
  const child = scratch.startExec(command.task, command.script);
  const ended = endOf(child);
  await once(child.stdout!, "data");
  for (let kills = 0; kills < 3; kills += 1) {
    await scratch.pyro(["task", "list"]);
    await scratch.killDaemon();
  }
  assert.deepEqual(withoutFooter(await ended), command.expected);
  await assertLogged(command.task, [command]);
});

test("a command that its client was not told of yet runs once, and its client gets all of it", async () => {
  const [task] = tasks as [string];
  const tokens: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const pid = await scratch.daemonPid();
    const named = [1, 2, 3].map((number) => `token ${round}.${number}`);
    tokens.push(...named);
    const asked = named.map((token) =>
      scratch.execHere(task, `echo "${token}" >>/workspace/tokens; echo one; sleep 0.3; echo two`),
    );
    await sleep(Math.random() * 40);
    kill(pid);
    for (const { exit_code, stdout, error } of await Promise.all(asked)) {
      assert.deepEqual([exit_code, stdout, error], [0, "one\ntwo\n", null]);
    }
  }
  const { stdout } = await scratch.exec(task, "cat /workspace/tokens");
  assert.deepEqual(stdout.trimEnd().split("\n").toSorted(), tokens.toSorted());
  for (const { stdout: said, error } of await scratch.entries(task)) {
    if (error) assert.deepEqual([error.code, said], ["DAEMON_UNREACHABLE", ""]);
  }
});

test("a call that is repeated under its request id finds the command of the first; another command is refused", async () => {
  const [task] = tasks as [string];
  const call = (command: string) => execTask(scratch.client, { task_id: task, command, request_id }, {});
  const request_id = "0123456789-repeated";
  const both = await Promise.all([call("echo one; sleep 0.5; date +%N"), call("echo one; sleep 0.5; date +%N")]);
  await scratch.killDaemon();
  const again = await call("echo one; sleep 0.5; date +%N");
  assert.deepEqual([...both, again], [again, again, again]);
  await assert.rejects(call("echo two"), { code: "INVALID_ARGUMENT" });
});

test("a command that was written down, but never reached the guest, ends and says that it did not run", async () => {
  const task = tasks[2]!;
  await scratch.exec(task, "true");
  await scratch.killDaemon();
  const [event, sequence, job, command] = ["exec.started", 1_000, 100_000, "true"];
  const started_at = new Date().toISOString();
  const entry = { event, sequence, job, command, cwd: "/workspace", timeout_seconds: 30, started_at };
  appendFileSync(join(scratch.taskPath(task), "journal.ndjson"), `${JSON.stringify(entry)}\n`);
  await until("it has ended", async () => (await scratch.entries(task)).at(-1)?.state === "ended");
  const last = (await scratch.entries(task)).at(-1)!;
  assert.deepEqual([last.sequence, last.exit_code, last.error?.code], [1_000, null, "DAEMON_UNREACHABLE"]);
  assert.match((await scratch.exec(task, "true")).stderr, /sequence=1001/);
});

test("the command of a killed client goes on, also without a daemon, and its result is in the log", async () => {
  const task = tasks[1]!;
  const child = scratch.startExec(task, "echo begun; sleep 1; echo over; exit 6", "--timeout-seconds", "2");
  await saying(child, "begun");
  child.kill("SIGKILL");
  await until("it has ended", async () => (await scratch.entries(task)).at(-1)?.state === "ended");
  const { stdout, exit_code } = (await scratch.entries(task)).at(-1)!;
  assert.deepEqual({ stdout, exit_code }, { stdout: "begun\nover\n", exit_code: 6 });
});

test("a command that ended while no daemon ran has not timed out", async () => {
  const task = tasks[1]!;
  const child = scratch.startExec(task, "echo begun; sleep 0.5; echo over; exit 6", "--timeout-seconds", "2");
  await saying(child, "begun");
  const pid = await scratch.daemonPid();
  child.kill("SIGKILL");
  kill(pid);
  // Only time itself passes here: nobody is there to be asked.
  await sleep(2_500);
  await until("it has ended", async () => (await scratch.entries(task)).at(-1)?.state === "ended");
  const { stdout, exit_code, timed_out } = (await scratch.entries(task)).at(-1)!;
  assert.deepEqual({ stdout, exit_code, timed_out }, { stdout: "begun\nover\n", exit_code: 6, timed_out: false });
});

test("a daemon killed while it makes a task leaves a task or nothing", async () => {
  for (let round = 0; round < rounds; round += 1) {
    const child = scratch.start(["task", "create", "debian:12", "--mem-mib", "256", "--json"]);
    const ended = endOf(child);
    await sleep(250 + Math.random() * 350);
    await scratch.killDaemon();
    const { status, stdout } = await ended;
    const made = status === 0 ? [(JSON.parse(stdout) as { task_id: string }).task_id] : [];
    await scratch.pyro(["task", "list"]);
    const unknown = scratch.taskIds().filter((id) => !tasks.includes(id));
    // One that was made, of which its caller was not told, is listed and can be deleted.
    if (made.length > 0) assert.deepEqual(unknown, made);
    for (const id of unknown) assert.equal((await scratch.pyro(["task", "delete", id])).status, 0);
    assert.equal(scratch.leftovers().length, FILES_OF_A_VM * TASKS, scratch.leftovers().join(" "));
  }
  const jails = processesOf(scratch.home).length;
  assert.ok(jails >= TASKS, `${jails} processes`);
});
