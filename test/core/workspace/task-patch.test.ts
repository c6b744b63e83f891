import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

const change = "--- a/src/f.txt\n+++ b/src/f.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
const addition = "diff --git a/new/g b/new/g\nnew file mode 100755\n--- /dev/null\n+++ b/new/g\n@@ -0,0 +1 @@\n+g\n";
const deletion =
  "diff --git a/old/d b/old/d\ndeleted file mode 100644\n--- a/old/d\n+++ /dev/null\n@@ -1 +0,0 @@\n-d\n";
const whole = change + addition + deletion;

async function open(t: TestContext) {
  const machines = new AgentMachines();
  const directory = temporaryDirectory(t);
  const { daemon, pyro, cli } = await openTasks(directory, machines);
  t.after(async () => {
    await daemon[Symbol.asyncDispose]();
    await machines[Symbol.asyncDispose]();
  });
  const source = join(directory, "source");
  mkdirSync(join(source, "src"), { recursive: true });
  mkdirSync(join(source, "old"));
  writeFileSync(join(source, "src/f.txt"), "one\ntwo\nthree\n");
  writeFileSync(join(source, "old/d"), "d\n");
  const task = await pyro.createTask("debian:12", { sourcePath: source });
  const workspace = machines.workspaces.at(-1)!;
  const read = (path: string) => readFileSync(join(workspace, path), "utf8");
  return { task, cli, directory, workspace, read };
}

test("patch: changes, adds and deletes files at once, and a reverse patch undoes that", async (t) => {
  const { task, workspace, read } = await open(t);
  const patched = await task.patch(whole);
  assert.equal(patched.applied, true);
  assert.deepEqual(patched.files, [
    { path: "src/f.txt", status: "modified" },
    { path: "new/g", status: "added" },
    { path: "old/d", status: "deleted" },
  ]);
  assert.deepEqual([read("src/f.txt"), read("new/g")], ["one\n2\nthree\n", "g\n"]);
  assert.equal(statSync(join(workspace, "new/g")).mode & 0o777, 0o755);
  assert.equal(existsSync(join(workspace, "old")), false);
  assert.deepEqual((await task.diff()).files.map(({ path }) => path).toSorted(), [
    "new",
    "new/g",
    "old",
    "old/d",
    "src/f.txt",
  ]);

  assert.equal((await task.patch(whole, { reverse: true })).applied, true);
  assert.deepEqual([read("src/f.txt"), read("old/d")], ["one\ntwo\nthree\n", "d\n"]);
  assert.equal(existsSync(join(workspace, "new")), false);
});

test("patch: applies nothing when one file is rejected, and the CLI's exit status is 1", async (t) => {
  const { task, cli, directory, workspace, read } = await open(t);
  writeFileSync(join(workspace, "old/d"), "other\n");
  const { applied, rejects } = await task.patch(whole);
  assert.equal(applied, false);
  assert.deepEqual(rejects, [{ path: "old/d", reason: "does-not-fit", hunks: ["@@ -1,1 +1,0 @@"] }]);
  assert.deepEqual([read("src/f.txt"), existsSync(join(workspace, "new"))], ["one\ntwo\nthree\n", false]);

  const file = join(directory, "whole.patch");
  writeFileSync(file, whole);
  const ended = await cli("task", "patch", task.taskId, "--from", file);
  assert.equal(ended.status, 1);
  assert.match(ended.stdout, /^reject old\/d: does-not-fit\n {2}@@ .*\n1 file rejected: nothing was applied/);
});

test("patch: a dry run reports which files fit, and changes nothing", async (t) => {
  const { task, cli, directory, read } = await open(t);
  const file = join(directory, "change.patch");
  writeFileSync(file, change);
  const ended = await cli("task", "patch", task.taskId, "--from", file, "--dry-run");
  assert.deepEqual([ended.status, ended.stdout], [0, "M src/f.txt\nThe patch fits: 1 file. Nothing was changed.\n"]);
  assert.equal(read("src/f.txt"), "one\ntwo\nthree\n");
  assert.equal((await task.patch(change, { dryRun: true })).applied, false);
});

test("patch: text that is not UTF-8 arrives byte for byte through the CLI", async (t) => {
  const { task, cli, directory, workspace } = await open(t);
  const file = join(directory, "latin.patch");
  const latin = Buffer.from("--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+\u00e4\n", "latin1");
  writeFileSync(file, latin);
  assert.equal((await cli("task", "patch", task.taskId, "--from", file)).status, 0);
  assert.deepEqual(readFileSync(join(workspace, "l")), Buffer.from([0xe4, 0x0a]));
});

test("patch: never writes through a link, and replaces a link that it names", async (t) => {
  const { task, directory, workspace } = await open(t);
  const outside = join(directory, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "there"), "one\ntwo\nthree\n");
  symlinkSync(outside, join(workspace, "away"));
  await assert.rejects(task.patch(addition.replaceAll("new/g", "away/g")), { code: "WORKSPACE_LINK" });
  await assert.rejects(task.patch(addition.replaceAll("new/g", "away/g"), { dryRun: true }), {
    code: "WORKSPACE_LINK",
  });
  const behind = await task.patch(change.replaceAll("src/f.txt", "away/there"));
  assert.deepEqual(
    behind.rejects.map(({ reason }) => reason),
    ["not-a-file"],
  );
  assert.equal(existsSync(join(outside, "g")), false);

  const link =
    "diff --git a/away b/away\n--- a/away\n+++ b/away\n@@ -1 +1 @@\n-OUTSIDE\n\\ No newline at end of file\n+src\n\\ No newline at end of file\n";
  assert.equal((await task.patch(link.replace("OUTSIDE", outside))).applied, true);
  assert.equal(readlinkSync(join(workspace, "away")), "src");
});

test("patch: fails with INVALID_ARGUMENT for text that is not a patch, or is too long", async (t) => {
  const { task, cli, directory } = await open(t);
  await assert.rejects(task.patch("hello\n"), { code: "INVALID_ARGUMENT" });
  await assert.rejects(task.patch(`${change}${" ".repeat(716_800)}`), { code: "INVALID_ARGUMENT" });
  const file = join(directory, "long.patch");
  writeFileSync(file, "x".repeat(716_801));
  assert.match((await cli("task", "patch", task.taskId, "--from", file)).stderr, /more than 716800 bytes/);
  assert.match((await cli("task", "patch", task.taskId, "--from", directory)).stderr, /EISDIR/);
});

test("patch: the diff of a task is applied to another task from the same source", async (t) => {
  const { task, workspace } = await open(t);
  writeFileSync(join(workspace, "src/f.txt"), "one\nzwei\nthree\n");
  const { patch } = await task.diff();
  writeFileSync(join(workspace, "src/f.txt"), "one\ntwo\nthree\n");
  assert.equal((await task.patch(patch)).applied, true);
  assert.deepEqual((await task.diff()).patch, patch);
});
