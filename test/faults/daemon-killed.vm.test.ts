import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { random } from "../seed.js";
import type { OperationEvent } from "../../src/contract/operation.js";
import { execTask } from "../../src/client/task-exec.js";
import { endOf, kill, processesOf, until } from "../client/scratch.js";
import { roundsOr, saying, TaskScratch, type Entry } from "./task-scratch.js";

const TASKS = 5;
const COMMANDS = 3;
const LINES = 8;
const AT_ONCE = 5;
/** A time longer than a short command takes on a busy host. */
const TIMEOUT_SECONDS = 6;
/** Its directory, and that of its sockets with two files. */
const FILES_OF_A_VM = 4;

let scratch: TaskScratch;
let tasks: string[];
before(async () => {
  scratch = new TaskScratch();
  tasks = [];
  while (tasks.length < TASKS) tasks.push(await scratch.create());
});
after(() => scratch[Symbol.asyncDispose]());

type Outcome = Pick<Entry, "command" | "exit_code" | "stdout" | "stderr" | "error" | "aborted" | "timed_out">;

const outcomeOf = ({ command, exit_code, stdout, stderr, error, aborted, timed_out }: Entry): Outcome => {
  return { command, exit_code, stdout, stderr, error, aborted, timed_out };
};
const withoutCommand = (outcome: Outcome): Outcome => ({ ...outcome, command: "" });
const byStatus = (a: Outcome, b: Outcome) => a.exit_code! - b.exit_code!;

/**
 * A command that prints numbered lines on both streams, with pauses, and has an exit status of its own. Perl starts no process for a
 * pause.
 */
function plan(round: number, number: number): Outcome {
  const name = `round ${round} command ${number}`;
  const status = 1 + ((10 * round + number) % 100);
  const say = `print qq(${name} out $_\\n); print STDERR qq(${name} err $_\\n); select undef, undef, undef, 0.1`;
  const lines = (stream: string) =>
    Array.from({ length: LINES }, (_, index) => `${name} ${stream} ${index + 1}\n`).join("");
  return {
    command: `perl -e '$| = 1; for (1..${LINES}) { ${say} } exit ${status}'`,
    ...{ exit_code: status, stdout: lines("out"), stderr: lines("err") },
    ...{ error: null, aborted: false, timed_out: false },
  };
}

/** Starts a command like the CLI, in a process of its own. */
async function execAsPerson(task: string, command: string): Promise<Outcome> {
  const { status, stdout, stderr } = await endOf(scratch.startExec(task, command));
  const ended = { exit_code: status, stdout, stderr: stderr.replace(/\[task-exec\].*\n$/, "") };
  return { command, ...ended, error: null, aborted: false, timed_out: false };
}

test("a daemon killed while 15 commands run: no output is lost, and no command runs twice", async () => {
  const rounds = roundsOr(5);
  for (let round = 1; round <= rounds; round += 1) {
    const plans = tasks.map(() => Array.from({ length: COMMANDS }, (_, index) => plan(round, index + 1)));
    const pid = await scratch.daemonPid();
    const asked = tasks.map((task, at) =>
      Promise.all(
        plans[at]!.map(({ command }, number) =>
          at + number === 0 ? execAsPerson(task, command) : scratch.execHere(task, command).then(outcomeOf),
        ),
      ),
    );
    const momentMs = random() * 2_000;
    await sleep(momentMs);
    kill(pid);
    const results = await Promise.all(asked);
    assert.deepEqual(results, plans, `round ${round}, killed after ${momentMs} ms`);
    for (const [at, task] of tasks.entries()) {
      const logged = (await scratch.entries(task)).filter(({ stdout }) => stdout.startsWith(`round ${round} `));
      // Commands of the CLI are quoted for a shell.
      assert.deepEqual(logged.map(outcomeOf).toSorted(byStatus).map(withoutCommand), plans[at]!.map(withoutCommand));
    }
  }
});

test("a daemon killed again and again, while a command runs, changes nothing", async () => {
  const [task] = tasks as [string];
  const planned = plan(77, 1);
  const running = scratch.execHere(task, planned.command);
  for (let kills = 0; kills < 3; kills += 1) {
    await scratch.client.call("task.list", {});
    await scratch.killDaemon();
  }
  assert.deepEqual(outcomeOf(await running), planned);
  assert.deepEqual(outcomeOf((await scratch.entries(task)).at(-1)!), planned);
});

test("a daemon killed twice while a command writes 12 MB: every byte arrives once, in order", async () => {
  const [task] = tasks as [string];
  const count = 1_700_000;
  const written = Array.from({ length: count }, (_, index) => `${index + 1}\n`).join("");
  const digest = createHash("sha256").update(written).digest("hex");
  for (let round = 0; round < roundsOr(2); round += 1) {
    const killAt = [random(), random()].map((part) => part * written.length).toSorted((a, b) => a - b);
    const hash = createHash("sha256");
    let takenBytes = 0;
    const onEvent = async (event: OperationEvent) => {
      assert.notEqual(event.event, "gap");
      if (event.event !== "stdout") return;
      hash.update(event.data);
      takenBytes += event.data.length;
      if (killAt[0] === undefined || takenBytes < killAt[0]) return;
      killAt.shift();
      kill(await scratch.daemonPid());
    };
    const { exit_code } = await scratch.execHere(task, `seq 1 ${count}`, { onEvent }, 300);
    assert.deepEqual([exit_code, takenBytes, hash.digest("hex")], [0, written.length, digest]);
    assert.equal(killAt.length, 0);
  }
});

test("a read-only call to a dying daemon is answered by the next one", async () => {
  const rounds = roundsOr(10);
  for (let round = 0; round < rounds; round += 1) {
    const pid = await scratch.daemonPid();
    const asked = Array.from({ length: 8 }, () => scratch.client.call("task.list", {}));
    await sleep(random() * 30);
    kill(pid);
    for (const { tasks: listed } of await Promise.all(asked)) assert.equal(listed.length, TASKS);
  }
});

test("a command whose number the client does not know yet runs once, and the client gets all output", async () => {
  const rounds = roundsOr(10);
  const [task] = tasks as [string];
  const tokens: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const pid = await scratch.daemonPid();
    const named = [1, 2, 3].map((number) => `token ${round}.${number}`);
    tokens.push(...named);
    const asked = named.map((token) =>
      scratch.execHere(task, `echo "${token}" >>/workspace/tokens; echo one; sleep 0.3; echo two`),
    );
    await sleep(random() * 40);
    kill(pid);
    for (const { exit_code, stdout, error } of await Promise.all(asked)) {
      assert.deepEqual([exit_code, stdout, error], [0, "one\ntwo\n", null]);
    }
  }
  const { stdout } = await scratch.execHere(task, "cat /workspace/tokens");
  assert.deepEqual(stdout.trimEnd().split("\n").toSorted(), tokens.toSorted());
  for (const { stdout: said, error } of await scratch.entries(task)) {
    if (error) assert.deepEqual([error.code, said], ["DAEMON_UNREACHABLE", ""]);
  }
});

test("a call that is repeated under its request id returns the first call's command; another command under the id is refused", async () => {
  const [task] = tasks as [string];
  const call = (command: string) => execTask(scratch.client, { task_id: task, command, request_id }, {});
  const request_id = "0123456789-repeated";
  const both = await Promise.all([call("echo one; sleep 0.5; date +%N"), call("echo one; sleep 0.5; date +%N")]);
  await scratch.killDaemon();
  const again = await call("echo one; sleep 0.5; date +%N");
  assert.deepEqual([...both, again], [again, again, again]);
  await assert.rejects(call("echo two"), { code: "INVALID_ARGUMENT" });
});

test("a command in the journal that never reached the guest ends with an error", async () => {
  const task = tasks[2]!;
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

test("a client killed at any moment: its command continues, and the result is in the log", async () => {
  const rounds = roundsOr(20);
  const task = tasks[1]!;
  for (let round = 0; round < rounds; round += AT_ONCE) {
    const names = Array.from({ length: Math.min(AT_ONCE, rounds - round) }, (_, index) => `client ${round + index}`);
    await Promise.all(
      names.map(async (name) => {
        const child = scratch.startExec(task, `echo ${name}; sleep 0.5; echo over; exit 6`);
        await saying(child, name);
        await sleep(random() * 500);
        child.kill("SIGKILL");
      }),
    );
    await until("they have ended", async () => (await scratch.status(task)).running_commands === 0);
    const entries = (await scratch.entries(task)).slice(-names.length);
    assert.deepEqual(
      entries.map(({ stdout, exit_code, error }) => [stdout, exit_code, error]).toSorted(),
      names.map((name) => [`${name}\nover\n`, 6, null]).toSorted(),
    );
  }
});

test("a command that ended while no daemon ran has not timed out", async () => {
  const task = tasks[1]!;
  const pid = await scratch.daemonPid();
  const command = "echo begun; sleep 0.5; echo over; exit 6";
  const child = scratch.startExec(task, command, "--timeout-seconds", String(TIMEOUT_SECONDS));
  await saying(child, "begun");
  child.kill("SIGKILL");
  kill(pid);
  // Only the time must pass here: there is no daemon to ask.
  await sleep(TIMEOUT_SECONDS * 1_000);
  await until("it has ended", async () => (await scratch.entries(task)).at(-1)?.state === "ended");
  const { stdout, exit_code, timed_out } = (await scratch.entries(task)).at(-1)!;
  assert.deepEqual({ stdout, exit_code, timed_out }, { stdout: "begun\nover\n", exit_code: 6, timed_out: false });
});

test("a daemon killed while it creates a task leaves a whole task or none", async () => {
  const rounds = roundsOr(5);
  for (let round = 0; round < rounds; round += 1) {
    const child = scratch.start(["task", "create", "debian:12", "--mem-mib", "256", "--json"]);
    const ended = endOf(child);
    await sleep(250 + random() * 350);
    await scratch.killDaemon();
    const { status, stdout } = await ended;
    const made = status === 0 ? [(JSON.parse(stdout) as { task_id: string }).task_id] : [];
    await scratch.client.call("task.list", {});
    const unknown = scratch.taskIds().filter((id) => !tasks.includes(id));
    // A task whose caller got no answer is listed and can be deleted.
    if (made.length > 0) assert.deepEqual(unknown, made);
    for (const id of unknown) await scratch.delete(id);
    assert.equal(scratch.leftovers().length, FILES_OF_A_VM * TASKS, scratch.leftovers().join(" "));
  }
  const jails = processesOf(scratch.home).length;
  assert.ok(jails >= TASKS, `${jails} processes`);
});
