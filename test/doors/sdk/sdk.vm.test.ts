import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Pyro, sh, type OutputChunk, type OutputPiece, type Task } from "../../../src/index.js";
import { until } from "../../client/scratch.js";
import { TaskScratch } from "../../faults/task-scratch.js";

const TASKS = 10;
const EXECS = 100;

let scratch: TaskScratch;
let pyro: Pyro;
let task: Task;
before(async () => {
  scratch = new TaskScratch();
  pyro = new Pyro({ home: scratch.home });
  task = await pyro.createTask("debian:12", { memMib: 256 });
});
after(() => scratch[Symbol.asyncDispose]());

const sleepers = async () => (await task.exec("pgrep -x sleep")).stdout.trim().split("\n").filter(Boolean).length;
const lastEntry = async () => (await task.logs()).entries.at(-1)!;

test("environments and doctor return their results", async () => {
  const { environments } = await pyro.listEnvironments();
  assert.ok(environments.some(({ name, installed }) => name === "debian:12" && installed));
  const progress: string[] = [];
  const pulled = await pyro.pullEnvironment("debian:12", { onProgress: ({ phase }) => void progress.push(phase) });
  assert.deepEqual([pulled.built, pulled.repaired, progress.at(-1)], [false, false, "ready"]);
  const { packages, digest } = await pyro.inspectEnvironment("debian:12");
  assert.ok(packages!.some(({ name }) => name === "git"));
  assert.equal(digest, pulled.digest);
  assert.ok((await pyro.doctor()).capabilities.guestExec);
});

test("a VM is created, started, used, stopped and deleted step by step", async () => {
  const { vmId, state } = await pyro.createVm("debian:12", { memMib: 256, ttlSeconds: 60 });
  assert.equal(state, "created");
  assert.equal((await pyro.startVm(vmId)).state, "started");
  assert.equal((await pyro.statusVm(vmId)).executionMode, "guest");
  const result = await pyro.execVm(vmId, { command: ["uname", "-r"], cwd: "/", env: { A: "b" } });
  assert.notEqual(result.stdout.trim(), release());
  await assert.rejects(pyro.statusVm(vmId), { code: "NOT_FOUND" });
  const other = await pyro.createVm("debian:12", { memMib: 256 });
  assert.equal((await pyro.stopVm(other.vmId)).state, "stopped");
  assert.deepEqual(await pyro.deleteVm(other.vmId), { vmId: other.vmId, deleted: true });
  assert.deepEqual(await pyro.reapExpired(), { removed: [] });
});

test("a command in a fresh VM", async () => {
  const { stdout, cleanup } = await pyro.runInVm("debian:12", { command: "cat", stdin: "grün", memMib: 256 });
  assert.deepEqual([stdout, cleanup], ["grün", { deleted: true }]);
});

test("a task keeps the files of its commands, and a second handle finds the task", async () => {
  await task.$`echo ${"it's $HOME"} >note`;
  const again = await pyro.openTask(task.taskId);
  const { stdout, env } = { ...(await again.exec("cat note; echo $A_b", { env: { A_b: "kept" } })), env: 0 };
  assert.deepEqual([stdout, env], ["it's $HOME\nkept\n", 0]);
  assert.deepEqual((await task.status()).lastCommand, {
    command: "cat note; echo $A_b",
    exitCode: 0,
    timedOut: false,
    oomKilled: false,
  });
  const { count, entries } = await task.logs();
  assert.deepEqual([count, entries[0]!.command], [2, sh`echo ${"it's $HOME"} >note`]);
  assert.ok((await pyro.listTasks()).tasks.some(({ taskId }) => taskId === task.taskId));
});

test("a task begins with a source, and is pushed to; a refused push changes nothing", async () => {
  const source = join(scratch.directory, "source");
  mkdirSync(join(source, "dir"), { recursive: true });
  writeFileSync(join(source, "dir", "file"), "one\n");
  symlinkSync("dir/file", join(source, "link"));
  await using seeded = await pyro.createTask("debian:12", { memMib: 256, sourcePath: source });
  const { mode, entryCount, bytesWritten } = seeded.info.workspaceSeed;
  assert.deepEqual([mode, entryCount, bytesWritten], ["directory", 3, 4]);
  writeFileSync(join(source, "dir", "file"), "two\n");
  const progress: string[] = [];
  const pushed = await seeded.syncPush(source, { dest: "sub", onProgress: ({ phase }) => void progress.push(phase) });
  assert.deepEqual([pushed.destination, pushed.entryCount], ["/workspace/sub", 3]);
  assert.equal((await seeded.exec("cat link sub/link; readlink link")).stdout, "one\ntwo\ndir/file\n");
  const { entries } = await pyro.pushTaskSync(seeded.taskId, source, { dryRun: true, exclude: ["dir/"] });
  assert.deepEqual(entries, [{ path: "link", type: "symlink", sizeBytes: 0 }]);
  symlinkSync("../../outside", join(source, "leaves"));
  const strict = { dest: "third", links: "refuse" } as const;
  await assert.rejects(seeded.syncPush(source, strict), { code: "ARCHIVE_LINK_ESCAPES" });
  await assert.rejects(seeded.syncPush(join(source, "nothing")), { code: "SOURCE_NOT_FOUND" });
  const cancelled = seeded.syncPush(source, { signal: AbortSignal.abort() });
  await assert.rejects(cancelled, { code: "ABORTED" });
  assert.equal((await seeded.exec("ls")).stdout, "dir\nlink\nsub\n");
});

test("a command in the background: its output is read from an offset, and it gets a signal", async () => {
  const { sequence, state } = await task.exec("trap 'echo told; exit 4' TERM; sleep 1000 & echo begun; wait", {
    background: true,
  });
  assert.equal(state, "running");
  const first = await task.output(sequence, { waitSeconds: 30 });
  assert.deepEqual([first.stdout, first.complete], ["begun\n", false]);
  assert.deepEqual(await task.signal(sequence), { taskId: task.taskId, sequence, signal: "TERM", sent: true });
  const rest = { stdoutOffset: first.nextStdoutOffset, waitSeconds: 30, waitFor: "end" } as const;
  const { stdout, exitCode, complete } = await task.output(sequence, rest);
  assert.deepEqual([stdout, exitCode, complete], ["told\n", 4, true]);
  await assert.rejects(pyro.outputTask(task.taskId, 999), { code: "NOT_FOUND" });
});

/**
 * A command that writes to both streams by turns, each line when the caller has received the previous one; and the output in its
 * result.
 */
function takingTurns() {
  let onTaken = () => {};
  const answered = () => onTaken();
  async function* stdin() {
    for (let turn = 0; turn < 20; turn += 1) {
      const taken = new Promise<void>((resolve) => (onTaken = resolve));
      yield `${turn}\n`;
      await taken;
    }
  }
  const expected = Array.from({ length: 20 }, (_, turn) =>
    turn % 2 === 0 ? { stream: "stdout", text: `out ${turn}\n` } : { stream: "stderr", text: `err ${turn}\n` },
  );
  const command = "while read n; do echo out $n; read n; echo err $n >&2; done";
  const options = { command, stdin: stdin(), onStdout: answered, onStderr: answered, interleaved: true };
  return { options, expected };
}

test("interleaved: a run returns both streams in the order of arrival", async () => {
  const { options, expected } = takingTurns();
  const { interleaved } = await pyro.runInVm("debian:12", { ...options, memMib: 256 });
  assert.deepEqual(interleaved, expected);
});

test("interleaved: a task's result, log and pages have the order of arrival, also from a later daemon", async () => {
  const { options, expected } = takingTurns();
  const { interleaved, sequence } = await pyro.execTask(task.taskId, options);
  assert.deepEqual(interleaved, expected);
  assert.equal((await lastEntry()).interleaved, undefined);
  await scratch.killDaemon();
  const { entries } = await task.logs({ interleaved: true });
  assert.deepEqual(entries.at(-1)!.interleaved, expected);
  const pages: OutputPiece[] = [];
  let place = {};
  for (let complete = false; !complete;) {
    const page = await task.output(sequence, { ...place, interleaved: true, maxBytes: 7 });
    pages.push(...page.interleaved!);
    place = { stdoutOffset: page.nextStdoutOffset, stderrOffset: page.nextStderrOffset };
    complete = page.complete;
  }
  const textOf = (pieces: readonly OutputPiece[]) => pieces.map(({ stream, text }) => [...text].map((c) => stream + c));
  assert.deepEqual(textOf(pages).flat(), textOf(expected as OutputPiece[]).flat());
});

test("network: a VM has one on request, and shows its addresses", async () => {
  const { vmId } = await pyro.createVm("debian:12", { memMib: 256, network: true });
  assert.equal((await pyro.startVm(vmId)).networkEnabled, true);
  const { network } = await pyro.networkInfoVm(vmId);
  assert.deepEqual([network?.state, network?.policy.default, network?.counters?.refused], ["up", "public", 0]);
  const [address = ""] = network!.addresses;
  assert.match((await pyro.execVm(vmId, { command: "ip -4 -o address show eth0" })).stdout, new RegExp(` ${address} `));
});

test("`await using` deletes the task; deleting it before is fine", async () => {
  let taskId: string;
  {
    await using other = await pyro.createTask("debian:12", { memMib: 256 });
    taskId = other.taskId;
  }
  await assert.rejects(pyro.statusTask(taskId), { code: "NOT_FOUND" });
  await using another = await pyro.createTask("debian:12", { memMib: 256 });
  await another.delete();
});

test("an aborted signal ends the command and everything it started, and the result has its output", async () => {
  const controller = new AbortController();
  const onStdout = () => controller.abort();
  const result = await task.exec("echo begun; sleep 1000 & sleep 1000", { signal: controller.signal, onStdout });
  assert.deepEqual([result.aborted, result.timedOut, result.stdout], [true, false, "begun\n"]);
  assert.equal(await sleepers(), 0);
  assert.equal((await task.status()).state, "started");
});

test("leaving the loop ends the command and everything it started", async () => {
  const execution = task.exec("echo begun; sleep 1000 & sleep 1000");
  for await (const { text } of execution) {
    assert.equal(text, "begun\n");
    break;
  }
  assert.equal((await lastEntry()).aborted, true);
  assert.equal(await sleepers(), 0);
});

test("a signal that aborts during task creation leaves no task", async () => {
  const { length } = scratch.taskIds();
  // No VM of this size is kept ready, which would be there sooner.
  const failed = pyro.createTask("debian:12", { memMib: 256, diskMib: 5_000, signal: AbortSignal.timeout(50) });
  await assert.rejects(failed, { code: "ABORTED" });
  await until("no task is left", () => scratch.taskIds().length === length);
});

test("a program that exits without cleaning up: its run ends, its task and the task's command continue", async () => {
  const index = new URL("../../../src/index.js", import.meta.url).href;
  const script = `import { Pyro } from ${JSON.stringify(index)};
    const pyro = new Pyro();
    const task = await pyro.openTask(process.argv[1]);
    const says = (execution) => execution[Symbol.asyncIterator]().next();
    await Promise.all([
      says(task.exec("echo begun; sleep 1; echo over; exit 6")),
      says(pyro.runInVm("debian:12", { command: "echo begun; sleep 1000", memMib: 256 })),
    ]);
    process.exit(9);`;
  const vms = scratch.leftovers().length;
  const argv = ["--input-type=module", "-e", script, task.taskId];
  const child = spawn(process.execPath, argv, { env: { ...process.env, ...scratch.env }, stdio: "inherit" });
  assert.deepEqual(await once(child, "exit"), [9, null]);
  // There are fewer VMs than before if the run took the spare of an earlier test.
  await until("the VM of the run is gone", () => scratch.leftovers().length <= vms);
  await until("the command has ended", async () => (await lastEntry()).state === "ended");
  const { stdout, exitCode, aborted } = await lastEntry();
  assert.deepEqual([stdout, exitCode, aborted], ["begun\nover\n", 6, false]);
});

test("a daemon that dies during a run: the call rejects", async () => {
  const execution = pyro.runInVm("debian:12", { command: "echo begun; sleep 60", memMib: 256 });
  await assert.rejects(
    async () => {
      for await (const { text } of execution) if (text === "begun\n") await scratch.killDaemon();
    },
    { code: "DAEMON_UNREACHABLE" },
  );
});

test("a daemon that dies during a loop: the loop yields all output", async () => {
  const lines: string[] = [];
  const execution = task.exec("for i in 1 2 3 4 5 6; do echo $i; sleep 0.3; done; exit 5");
  for await (const { text } of execution) {
    lines.push(text);
    if (lines.length === 2) await scratch.killDaemon();
  }
  assert.deepEqual([lines.join(""), (await execution).exitCode], ["1\n2\n3\n4\n5\n6\n", 5]);
});

test(`${TASKS} tasks at once from one program, ${EXECS} commands each: nothing is lost, nothing mixed`, async () => {
  const work = async (number: number) => {
    await using own = await pyro.createTask("debian:12", { memMib: 256 });
    for (let count = 0; count < EXECS; count += 1) {
      const name = `task ${number} command ${count}`;
      const said = { stdout: "", stderr: "" };
      const add = ({ stream, text }: OutputChunk) => void (said[stream] += text);
      const result = await own.exec(sh`echo out ${name}; echo err ${name} >&2; exit ${count}`, {
        onStdout: add,
        onStderr: add,
      });
      const expected = { stdout: `out ${name}\n`, stderr: `err ${name}\n` };
      assert.deepEqual(said, expected);
      const { stdout, stderr, exitCode, sequence } = result;
      assert.deepEqual({ stdout, stderr, exitCode, sequence }, { ...expected, exitCode: count, sequence: count + 1 });
    }
    const { entries } = await own.logs();
    assert.deepEqual(
      entries.map(({ stdout, exitCode }) => [stdout, exitCode]),
      Array.from({ length: EXECS }, (_, count) => [`out task ${number} command ${count}\n`, count]),
    );
  };
  await Promise.all(Array.from({ length: TASKS }, (_, number) => work(number)));
});
