import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { limits } from "../../src/contract/limits.js";
import { endOf, until } from "../client/scratch.js";
import { saying, TaskScratch } from "./task-scratch.js";

let scratch: TaskScratch;
let task: string;
before(async () => {
  scratch = new TaskScratch();
  task = await scratch.create();
});
after(() => scratch[Symbol.asyncDispose]());

const MIB = 1_048_576;
const sha256 = (bytes: string | Buffer) => createHash("sha256").update(bytes).digest("hex");
const numbersUpTo = (last: number) => Array.from({ length: last }, (_, index) => `${index + 1}\n`).join("");

/** Digests of both streams of a child. */
async function hashesOf(child: ReturnType<TaskScratch["startExec"]>) {
  const [stdout, stderr] = [createHash("sha256"), createHash("sha256")];
  let footer = Buffer.alloc(0);
  child.stdout?.on("data", (chunk: Buffer) => stdout.update(chunk));
  child.stderr?.on("data", (chunk: Buffer) => {
    const all = Buffer.concat([footer, chunk]);
    const keep = Math.max(0, all.length - 1_024);
    stderr.update(all.subarray(0, keep));
    footer = all.subarray(keep);
  });
  const [status] = (await once(child, "close")) as [number | null];
  const rest = footer.toString().replace(/\[task-exec\].*\n$/, "");
  return { status, stdout: stdout.digest("hex"), stderr: stderr.update(rest).digest("hex") };
}

test("clients that run commands in one task at once get their own output and their own numbers", async () => {
  const children = [1, 2, 3].map((number) => scratch.startExec(task, `echo ${number}; sleep 1; echo ${number}`));
  const ended = await Promise.all(children.map(endOf));
  assert.deepEqual(
    ended.map(({ status, stdout }) => [status, stdout]),
    [1, 2, 3].map((number) => [0, `${number}\n${number}\n`]),
  );
  const numbers = ended.map(({ stderr }) => /sequence=(\d+)/.exec(stderr)?.[1]);
  assert.equal(new Set(numbers).size, 3);
  const starts = (await scratch.entries(task)).map(({ sequence }) => sequence);
  assert.deepEqual(starts, [1, 2, 3]);
});

test("standard input, directory and environment reach the command", async () => {
  const input = numbersUpTo(200_000);
  const { stdout } = await scratch.pyro(["task", "exec", task, "--", "sha256sum"], { input });
  assert.equal(stdout, `${sha256(input)}  -\n`);
  const flags = ["--cwd", "/tmp", "--env", "ONE=first of two", "--env", "TWO=b=c"];
  const { stdout: said } = await scratch.exec(task, 'pwd; echo "$ONE|$TWO"', ...flags);
  assert.equal(said, "/tmp\nfirst of two|b=c\n");
  const { cwd } = (await scratch.entries(task)).at(-1)!;
  assert.equal(cwd, "/tmp");
  // Each command has its own.
  assert.equal((await scratch.execHere(task, 'pwd; echo "$ONE"')).stdout, "/workspace\n\n");
});

test("the next command finds the files and processes of the previous one", async () => {
  await scratch.execHere(task, "echo kept >file; sleep 1000 >/dev/null 2>&1 &");
  assert.equal((await scratch.execHere(task, "cat file; pgrep -c sleep")).stdout, "kept\n1\n");
  await scratch.execHere(task, "pkill sleep");
});

const LAST = 2_000_000;
const SPEAK = `seq 1 ${LAST} & seq 1 ${LAST} >&2; wait`;

test("the client receives all of 30 MB, and the log keeps the first and the last part", async () => {
  const expected = sha256(numbersUpTo(LAST));
  const ended = await hashesOf(scratch.startExec(task, SPEAK));
  assert.deepEqual(ended, { status: 0, stdout: expected, stderr: expected });
  const entry = (await scratch.entries(task)).at(-1)!;
  assert.deepEqual([entry.stdout_truncated, entry.stderr_truncated], [true, true]);
  assert.match(entry.stdout, new RegExp(`^1\n2\n[^]* bytes left out [^]*\n${LAST}\n$`));
  const directory = join(scratch.taskPath(task), "execs", String(entry.sequence));
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
  const mib = sizes.reduce((sum, size) => sum + size, 0) / MIB;
  assert.ok(mib > 16 && mib < 18, `${mib} MiB on disk`);
});

test("the client receives all of 30 MB also when the daemon is killed meanwhile", async () => {
  const expected = sha256(numbersUpTo(LAST));
  const child = scratch.startExec(task, SPEAK);
  const ended = hashesOf(child);
  let seenBytes = 0;
  const kills: Promise<void>[] = [];
  child.stdout?.on("data", (chunk: Buffer) => {
    seenBytes += chunk.length;
    // These are more bytes than one daemon can have on their way, so the second kill hits the next daemon.
    if (kills.length < 2 && seenBytes > kills.length * 5 * MIB) kills.push(scratch.killDaemon());
  });
  assert.deepEqual(await ended, { status: 0, stdout: expected, stderr: expected });
  await Promise.all(kills);
  assert.equal(kills.length, 2);
});

test("after a daemon restart a command waits for a client that reconnects late", async () => {
  const expected = sha256(numbersUpTo(LAST));
  const child = scratch.startExec(task, SPEAK);
  const ended = hashesOf(child);
  let seenBytes = 0;
  child.stdout?.on("data", (chunk: Buffer) => (seenBytes += chunk.length));
  await until("its place is behind what the log keeps of the beginning", () => seenBytes > 5 * MIB);
  child.kill("SIGSTOP");
  await scratch.killDaemon();
  // Calls that take longer than the command needs to write more than its log keeps.
  for (let calls = 0; calls < 10; calls += 1) await scratch.pyro(["task", "status", task]);
  child.kill("SIGCONT");
  assert.deepEqual(await ended, { status: 0, stdout: expected, stderr: expected });
});

test("a command beyond the limit of a task is refused, with the limit", async () => {
  const { client } = scratch;
  const cancels = Array.from({ length: limits.runningCommands }, () => new AbortController());
  const running = cancels.map(({ signal }) =>
    client.call("task.exec", { task_id: task, command: "sleep 100" }, { signal }),
  );
  await until("all run", async () => (await scratch.status(task)).running_commands === limits.runningCommands);
  const { code, details } = await scratch.failureHere("task.exec", { task_id: task, command: "true" });
  assert.deepEqual([code, details["limit"]], ["RESOURCE_EXHAUSTED", limits.runningCommands]);
  for (const cancel of cancels) cancel.abort();
  for (const { aborted } of await Promise.all(running)) assert.equal(aborted, true);
  assert.equal((await scratch.execHere(task, "pgrep sleep || echo none")).stdout, "none\n");
});

test("a client that stops reading pauses its own command and no other", async () => {
  const child = scratch.startExec(task, `echo begun; seq 1 ${LAST}; echo over >/workspace/over`);
  await saying(child, "begun");
  child.stdout!.pause();
  assert.equal((await scratch.execHere(task, "echo free; ls /workspace/over 2>/dev/null")).stdout, "free\n");
  child.stdout!.resume();
  await once(child, "close");
  assert.equal((await scratch.execHere(task, "cat over")).stdout, "over\n");
});
