import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { PyroError } from "../../../src/index.js";
import { until } from "../../client/scratch.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

const inBackground = { cwd: "/", background: true };

/** Prints a line for each new line of its file; ends at `end`. */
const echoLines = (path: string) => `tail -n +1 -f ${path} | sed -u '/^end$/q'; exit 5`;

test("task stop: a running command continues under its number when the task starts again", async (t) => {
  await using machines = new AgentMachines();
  const home = temporaryDirectory(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const file = join(home, "lines");
  writeFileSync(file, "one\n");
  const { sequence } = await task.exec(echoLines(file), inBackground);
  await task.output(sequence, { waitSeconds: 30 });

  const stopped = await task.stop();
  assert.deepEqual([stopped.state, stopped.runningCommands, stopped.memoryBytes], ["stopped", 1, null]);
  assert.equal(stopped.expiresAt, null);
  assert.equal((await task.stop()).state, "stopped");
  assert.equal((await task.wait(sequence, { timeoutSeconds: 0 })).state, "running");
  await assert.rejects(task.signal(sequence, "TERM"), { code: "FAILED_PRECONDITION" });

  assert.equal((await task.start()).state, "started");
  appendFileSync(file, "two\nend\n");
  const ended = await task.wait(sequence);
  assert.deepEqual([ended.exitCode, ended.stdout], [5, "one\ntwo\nend\n"]);
  assert.deepEqual((await pyro.listSnapshots()).snapshots, []);
});

test("task stop: a caller that follows a command gets the rest when the task starts again", async (t) => {
  await using machines = new AgentMachines();
  const home = temporaryDirectory(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const file = join(home, "lines");
  writeFileSync(file, "one\n");
  const following = task.exec(echoLines(file), { cwd: "/" });
  await until("the command runs", async () => (await task.status()).runningCommands === 1);
  await task.output(1, { waitSeconds: 30 });
  await task.stop();
  await task.start();
  appendFileSync(file, "two\nend\n");
  const ended = await following;
  assert.deepEqual([ended.exitCode, ended.stdout], [5, "one\ntwo\nend\n"]);
});

test("task stop: when the record cannot be written, the task keeps running and no snapshot is left", async (t) => {
  await using machines = new AgentMachines();
  const home = temporaryDirectory(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const record = join(home, "tasks", task.taskId, "task.json");
  renameSync(record, `${record}.kept`);
  mkdirSync(join(record, "in the way"), { recursive: true });
  await assert.rejects(task.stop(), { code: "INTERNAL" });
  assert.equal((await task.status()).state, "started");
  assert.deepEqual(machines.snapshots.list(), []);
  assert.equal((await task.exec("echo runs", { cwd: "/" })).stdout, "runs\n");
  rmSync(record, { recursive: true });
  renameSync(`${record}.kept`, record);
});

test("task exec: starts a stopped task, and a request id still names the command of its first call", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro, cli } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  await task.exec("echo kept >note", { cwd: "/workspace" });
  assert.equal((await cli("task", "stop", task.taskId)).status, 0);
  const read = await task.exec("cat note", { cwd: "/workspace" });
  assert.deepEqual([read.sequence, read.stdout], [2, "kept\n"]);
  assert.equal((await task.status()).state, "started");
  await task.stop();
  assert.equal((await task.listFiles("/")).entries.length > 0, true);
});

test("task stop: the time in which a task is stopped does not count for a command's time-out", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const startAndStop = async (timeoutSeconds: number) => {
    const { sequence } = await task.exec("echo begun; sleep 1000", { ...inBackground, timeoutSeconds });
    await task.output(sequence, { waitSeconds: 30 });
    const { runningCommands } = await task.stop();
    if (runningCommands === 1) return sequence;
    // The time-out passed before the task was stopped: the host is busy.
    await task.start();
    return startAndStop(timeoutSeconds * 4);
  };
  const sequence = await startAndStop(3);
  assert.equal((await task.wait(sequence, { timeoutSeconds: 3 })).state, "running");
  await task.start();
  const ended = await task.wait(sequence);
  assert.deepEqual([ended.timedOut, ended.exitCode], [true, 124]);
});

test("task delete: records an end for the commands of a stopped task", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  const task = await pyro.createTask("debian:12");
  const { sequence } = await task.exec("sleep 1000", inBackground);
  await task.stop();
  const waiting = task.wait(sequence);
  await task.delete();
  assert.deepEqual([(await waiting).state, (await waiting).error?.code], ["ended", "ABORTED"]);
});

test("task create: a task with an idle time is stopped when it is unused, and not while a command runs", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12", { idleStopSeconds: 1 });
  const { sequence } = await task.exec("sleep 2", inBackground);
  assert.equal((await task.wait(sequence)).exitCode, 0);
  await until("the task is stopped", async () => (await task.status()).state === "stopped");
  assert.equal((await task.exec("echo again", { cwd: "/" })).stdout, "again\n");
});

test("task fork: has an identity of its own, and a log that begins with the commands that ran", async (t) => {
  await using machines = new AgentMachines();
  const home = temporaryDirectory(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12", { name: "parent", labels: { a: "b" }, env: { OF_TASK: "1" } });
  await task.exec("echo first", { cwd: "/" });
  const file = join(home, "lines");
  writeFileSync(file, "one\n");
  const { sequence } = await task.exec(echoLines(file), inBackground);
  await task.output(sequence, { waitSeconds: 30 });
  await task.stop();

  const [info] = (await task.fork({ name: "child" })).tasks;
  assert.deepEqual(
    [info?.state, info?.name, info?.labels, info?.envNames],
    ["started", "child", { a: "b" }, ["OF_TASK"]],
  );
  assert.deepEqual([info?.forkedFrom?.taskId, info?.forkedFrom?.snapshotId], [task.taskId, null]);
  assert.deepEqual([info?.commandCount, info?.runningCommands], [1, 1]);
  appendFileSync(file, "two\nend\n");
  const ended = await pyro.waitTask("child", sequence);
  assert.deepEqual([ended.exitCode, ended.stdout], [5, "two\nend\n"]);
  assert.equal((await pyro.execTask("child", { command: "true", cwd: "/" })).sequence, sequence + 1);
  assert.equal((await task.status()).state, "stopped");
  await assert.rejects(task.fork({ name: "child" }), { code: "ALREADY_EXISTS" });
  await pyro.deleteTask("child");
});

test("task fork: the error has the number of forks that the host can hold; an absurd count is refused", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  machines.room = 3;
  await assert.rejects(task.fork({ count: 10_000 }), (error: PyroError) => {
    assert.deepEqual([error.code, error.details["possible"]], ["RESOURCE_EXHAUSTED", 3]);
    return true;
  });
  for (const count of [0, -1, 1.5]) await assert.rejects(task.fork({ count }), { code: "INVALID_ARGUMENT" });
  await assert.rejects(task.fork({ count: 2, name: "n".repeat(62) }), { code: "INVALID_ARGUMENT" });
  await assert.rejects(pyro.forkTask("snap-0123456789ab"), { code: "NOT_FOUND" });
  assert.equal((await pyro.listTasks()).tasks.length, 1);
});

test("task reset: goes back to an empty seed, ends commands only when forced, and never reuses a command's number", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  await task.exec("echo kept >note", { cwd: "/workspace" });
  const { sequence } = await task.exec("sleep 1000", inBackground);
  await assert.rejects(task.reset(), { code: "FAILED_PRECONDITION" });
  assert.equal((await task.reset({ force: true })).state, "started");
  assert.equal((await task.wait(sequence)).error?.code, "ABORTED");
  const after = await task.exec("ls", { cwd: "/workspace" });
  assert.deepEqual([after.sequence, after.stdout], [3, ""]);
  await assert.rejects(task.reset({ to: "snap-0123456789ab" }), { code: "NOT_FOUND" });
});

test("task reset: goes back to a source whose files are kept, and refuses when one is not", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  const sourcePath = temporaryDirectory(t);
  mkdirSync(join(sourcePath, "src", "empty"), { recursive: true });
  writeFileSync(join(sourcePath, "src", "run.sh"), "#!/bin/sh\necho first\n", { mode: 0o755 });
  writeFileSync(join(sourcePath, "none"), "");
  symlinkSync("src/run.sh", join(sourcePath, "link"));
  const show = "find . -printf '%P %y %m %l\\n' | sort; src/run.sh";
  const inWorkspace = { cwd: "/workspace" };
  await using task = await pyro.createTask("debian:12", { sourcePath });
  const seeded = (await task.exec(show, inWorkspace)).stdout;
  assert.match(seeded, /^src\/run\.sh f 755 $/m);
  writeFileSync(join(sourcePath, "later"), "pushed\n");
  await task.syncPush(sourcePath);
  await task.exec("rm -r src; echo changed >none; ln -sf none link", inWorkspace);
  await task.reset();
  assert.equal((await task.exec(show, inWorkspace)).stdout, seeded);
  assert.deepEqual((await task.diff()).files, []);
  await task.syncPush(sourcePath);
  assert.equal((await task.exec("cat later", inWorkspace)).stdout, "pushed\n");

  writeFileSync(join(sourcePath, "binary"), Buffer.from([0, 1, 2]));
  await using other = await pyro.createTask("debian:12", { sourcePath });
  await other.exec("echo kept >note", inWorkspace);
  await assert.rejects(other.reset(), ({ code, details }: PyroError) => {
    assert.deepEqual(
      [code, details["reason"], details["missing"]],
      ["FAILED_PRECONDITION", "seed_not_kept", ["binary"]],
    );
    return true;
  });
  assert.equal((await other.exec("cat note", inWorkspace)).stdout, "kept\n");
});

test("task snapshot: is listed by name, forked, and deleted unless a task needs it", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro, cli } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  const task = await pyro.createTask("debian:12");
  const made = await task.snapshot({ name: "first" });
  assert.deepEqual([made.name, made.taskId, made.parent, made.runningCommands], ["first", task.taskId, null, 0]);
  assert.deepEqual((await pyro.listSnapshots({ task: task.taskId })).snapshots, [made]);
  const { tasks } = await pyro.forkTask("first");
  assert.equal(tasks[0]?.forkedFrom?.snapshotId, made.snapshotId);
  assert.equal((await cli("task", "snapshot", "delete", "first")).status, 0);
  await assert.rejects(pyro.deleteSnapshot("first"), { code: "NOT_FOUND" });
  await pyro.deleteTask(tasks[0]!.taskId);
});

test("task try: compares variants, keeps the first that passes, and removes every fork", async (t) => {
  await using machines = new AgentMachines();
  const home = temporaryDirectory(t);
  const { daemon, pyro, cli } = await openTasks(home, machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const result = await task.tryVariants({
    ...{ variants: ["echo no; exit 3", "echo yes >new", "echo yes >other"], cwd: "/workspace" },
    ...{ check: "ls new", keep: "first-passing" },
  });
  assert.deepEqual(
    result.variants.map(({ name, outcome, exitCode, checkExitCode }) => [name, outcome, exitCode, checkExitCode]),
    [
      ["1", "failed", 3, null],
      ["2", "passed", 0, 0],
      ["3", "failed", 0, 2],
    ],
  );
  assert.deepEqual([result.variants[0]?.stdout, result.variants[1]?.checkOutput], ["no\n", "new\n"]);
  assert.deepEqual(result.variants[1]?.changed, [{ path: "new", status: "added", lines: "+1 -0" }]);
  assert.deepEqual([result.kept, result.keepError], ["2", null]);
  assert.equal((await task.exec("cat new", { cwd: "/workspace" })).stdout, "yes\n");
  assert.deepEqual(
    (await pyro.listTasks()).tasks.map(({ taskId }) => taskId),
    [task.taskId],
  );
  assert.deepEqual((await pyro.listSnapshots()).snapshots, []);

  const late = await task.tryVariants({ variants: ["sleep 1000"], check: "true", timeoutSeconds: 1 });
  const { outcome, exitCode, checkExitCode } = late.variants[0]!;
  assert.deepEqual([outcome, exitCode, checkExitCode], ["timed_out", 124, null]);

  const adding = (text: string) => `--- /dev/null\n+++ b/made\n@@ -0,0 +1 @@\n+${text}\n`;
  const misfit = "--- a/gone\n+++ b/gone\n@@ -1 +1 @@\n-a\n+b\n";
  const patched = await task.tryVariants({
    ...{ variants: ["true"], variantPatches: [misfit, adding("wrong"), adding("right")], check: "grep right made" },
    keep: "first-passing",
  });
  assert.deepEqual(
    patched.variants.map(({ command, outcome, exitCode, checkExitCode }) => [
      ...[command, outcome],
      ...[exitCode, checkExitCode],
    ]),
    [
      ["true", "failed", 0, 2],
      ["", "failed", null, null],
      ["", "failed", null, 1],
      ["", "passed", null, 0],
    ],
  );
  assert.equal(patched.variants[1]?.stderr, "reject gone: missing\n  @@ -1,1 +1,1 @@\n");
  const made = patched.variants[3]?.changed.find(({ path }) => path === "made");
  assert.deepEqual([patched.kept, made], ["4", { path: "made", status: "added", lines: "+1 -0" }]);
  assert.equal((await task.exec("cat made", { cwd: "/workspace" })).stdout, "right\n");
  const file = join(home, "add.diff");
  writeFileSync(file, adding("by file").replace("made", "more"));
  const byFile = await cli("task", "try", task.taskId, "--variant-patch", file);
  assert.match(byFile.stdout, /^# 1 {2}passed .*\(patch\)\n(?:.*\n)*?added {2}more {2}\+1 -0\n/);
  writeFileSync(file, Buffer.from([0xff, 0xfe]));
  assert.match((await cli("task", "try", task.taskId, "--variant-patch", file)).stderr, /is not UTF-8/);
  await assert.rejects(task.tryVariants(), { code: "INVALID_ARGUMENT" });
  const tooMany = { variants: Array(20).fill("true") as string[], variantPatches: Array(20).fill(misfit) as string[] };
  await assert.rejects(task.tryVariants(tooMany), { code: "INVALID_ARGUMENT" });

  const none = await cli("task", "try", task.taskId, "--variant", "exit 1", "--keep", "1");
  assert.deepEqual([none.status, /^Kept: none \(Variant 1 did not pass\.\)$/m.test(none.stdout)], [1, true]);
  machines.room = 0;
  await assert.rejects(task.tryVariants({ variants: ["true"] }), { code: "RESOURCE_EXHAUSTED" });
});
