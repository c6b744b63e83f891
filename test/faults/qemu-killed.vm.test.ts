import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { random } from "../seed.js";
import type { OperationEvent } from "../../src/contract/operation.js";
import { endOf, kill, until } from "../client/scratch.js";
import { roundsOr, saying, TaskScratch } from "./task-scratch.js";

let scratch: TaskScratch;
let other: string;
before(async () => {
  scratch = new TaskScratch();
  other = await scratch.create();
});
after(() => scratch[Symbol.asyncDispose]());

const SCRIPT = "echo first; echo problem >&2; echo second; sleep 60; echo never";
/** Numbered lines on both streams, without an end. Perl, since a shell would start a process for each pause. */
const COUNT =
  "perl -e '$| = 1; for (;;) { $i++; print qq(out $i\\n); print STDERR qq(err $i\\n); select undef, undef, undef, 0.01 }'";

const linesUpTo = (name: string, last: number) =>
  Array.from({ length: last }, (_, index) => `${name} ${index + 1}\n`).join("");

function assertNumbered(name: string, text: string): void {
  const expected = linesUpTo(name, text.split("\n").length + 1);
  assert.ok(expected.startsWith(text), `not the beginning of numbered lines: ${text.slice(-200)}`);
}

/** The work under way when a QEMU is killed. */
const situations = ["a daemon that started it", "a daemon that took it over", "a daemon that dies as well"] as const;

async function killAQemu(situation: (typeof situations)[number]): Promise<void> {
  const doomed = await scratch.create();
  const said = { stdout: "", stderr: "" };
  const onEvent = (event: OperationEvent) => {
    if (event.event === "stdout" || event.event === "stderr") said[event.event] += Buffer.from(event.data).toString();
  };
  const running = scratch.execHere(doomed, COUNT, { onEvent });
  const neighbour = scratch.execHere(other, "rm -f go; echo one; while [ ! -e go ]; do sleep 0.1; done; echo two");
  await until("it counts", () => said.stdout !== "" && said.stderr !== "");
  if (situation !== "a daemon that started it") await scratch.killDaemon();
  if (situation === "a daemon that took it over") await scratch.client.call("task.list", {});
  await sleep(random() * 300);

  const seen = { ...said };
  kill(scratch.qemuOf(doomed));
  await until("the task has failed", async () => (await scratch.status(doomed)).state !== "started");
  const { state, state_reason, running_commands } = await scratch.status(doomed);
  assert.ok(state === "failed" || situation === "a daemon that dies as well", state);
  assert.match(state_reason!, state === "failed" ? /^its VM ended: / : /^its VM is gone: /);
  assert.equal(running_commands, 0);

  const result = await running;
  assert.deepEqual(
    [result.state, result.exit_code, result.error?.code, result.timed_out, result.aborted],
    ["ended", null, "VM_DIED", false, false],
  );
  for (const name of ["stdout", "stderr"] as const) {
    assertNumbered(name.slice(3), result[name]);
    assert.ok(result[name].startsWith(seen[name]), `what was seen of ${name} is not in the result`);
    assert.equal(said[name], result[name]);
  }
  assert.deepEqual(await scratch.entries(doomed), [result]);
  await assert.rejects(scratch.execHere(doomed, "true"), { code: "FAILED_PRECONDITION" });

  assert.equal((await scratch.execHere(other, "touch go")).exit_code, 0);
  const { exit_code, stdout } = await neighbour;
  assert.deepEqual([exit_code, stdout], [0, "one\ntwo\n"]);
  await scratch.delete(doomed);
  assert.deepEqual(scratch.taskIds(), [other]);
}

test("a QEMU killed at any moment: its task fails and keeps its output; other tasks are unaffected", async () => {
  const rounds = roundsOr(6);
  for (let round = 0; round < rounds; round += 1) {
    const situation = situations[round % situations.length]!;
    await assert.doesNotReject(killAQemu(situation), `round ${round}, ${situation}`);
  }
});

test("a killed QEMU: the CLI prints the output, the reason and the failed task, also after a daemon restart", async () => {
  const doomed = await scratch.create();
  const child = scratch.startExec(doomed, SCRIPT);
  const ended = endOf(child);
  let errors = "";
  child.stderr?.on("data", (text: string) => (errors += text));
  await saying(child, "second");
  await until("it has said the problem", () => errors === "problem\n");
  kill(scratch.qemuOf(doomed));
  const { status, stdout, stderr } = await ended;
  assert.deepEqual([status, stdout], [125, "first\nsecond\n"]);
  assert.match(stderr, /^problem\npyro: .*\n\[task-exec\] .*exit_code=none/);
  await until("the task has failed", async () => (await scratch.status(doomed)).state === "failed");
  const refused = await scratch.failure("task", "exec", doomed, "--", "true");
  assert.deepEqual([refused.status, refused.code, refused.details["state"]], [125, "FAILED_PRECONDITION", "failed"]);

  const { state_reason } = await scratch.status(doomed);
  const entries = await scratch.entries(doomed);
  await scratch.pyro(["daemon", "stop"]);
  assert.deepEqual((await scratch.status(doomed)).state_reason, state_reason);
  assert.deepEqual(await scratch.entries(doomed), entries);
  await scratch.delete(doomed);
});

test("a QEMU that is killed while no daemon runs: its command ends with the output in the log", async () => {
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
