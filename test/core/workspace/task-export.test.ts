import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { test, type TestContext } from "node:test";

import { unpackInto } from "../../../src/client/export/unpack.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

async function open(t: TestContext) {
  const machines = new AgentMachines();
  const sealed: string[] = [];
  // Only root removes the files of a directory that is read-only.
  t.after(() => execFileSync("chmod", ["-R", "u+w", ...sealed]));
  const directory = temporaryDirectory(t);
  const { daemon, pyro, cli } = await openTasks(directory, machines);
  t.after(async () => {
    await daemon[Symbol.asyncDispose]();
    await machines[Symbol.asyncDispose]();
  });
  const task = await pyro.createTask("debian:12");
  const workspace = machines.workspaces.at(-1)!;
  sealed.push(directory, workspace);
  mkdirSync(join(workspace, "d/sealed"), { recursive: true });
  writeFileSync(join(workspace, "d/run"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(workspace, "d/sealed/f"), "sealed\n");
  execFileSync("chmod", ["555", join(workspace, "d/sealed")]);
  symlinkSync("/etc/passwd", join(workspace, "d/link"));
  const out = join(directory, "out");
  mkdirSync(out);
  return { task, cli, out, workspace };
}

test("export: writes an archive, plain or gzipped by its name", async (t) => {
  const { task, cli, out } = await open(t);
  for (const name of ["d.tar", "d.tar.gz"]) {
    const file = join(out, name);
    const ended = await cli("task", "export", task.taskId, "d", "--output", file);
    assert.equal(ended.status, 0, ended.stderr);
    const listed = execFileSync("tar", [name.endsWith("gz") ? "-tzf" : "-tf", file], { encoding: "utf8" });
    assert.deepEqual(listed.trim().split("\n").toSorted(), ["link", "run", "sealed/", "sealed/f"]);
  }
  assert.deepEqual(readdirSync(out).toSorted(), ["d.tar", "d.tar.gz"]);
});

test("export: replaces an archive only with force, and a failed export leaves it", async (t) => {
  const { task, out } = await open(t);
  const file = join(out, "d.tar");
  writeFileSync(file, "mine");
  await assert.rejects(task.export("d", file), { code: "DESTINATION_UNUSABLE" });
  await assert.rejects(task.export("none", file, { force: true }), { code: "NOT_FOUND" });
  assert.deepEqual([readFileSync(file, "utf8"), readdirSync(out)], ["mine", ["d.tar"]]);
  assert.equal((await task.export("d", file, { force: true })).entryCount, 4);
});

test("export: fills a new or an empty directory with unchanged content, modes and links", async (t) => {
  const { task, out } = await open(t);
  const made = join(out, "made");
  const saved = await task.export("d", made);
  assert.deepEqual([saved.output, saved.entryCount], [made, 4]);
  assert.equal(readFileSync(join(made, "sealed/f"), "utf8"), "sealed\n");
  assert.deepEqual(
    [statSync(join(made, "run")).mode & 0o777, statSync(join(made, "sealed")).mode & 0o777],
    [0o755, 0o555],
  );
  assert.equal(readlinkSync(join(made, "link")), "/etc/passwd");
  await assert.rejects(task.export("d", made), { code: "DESTINATION_UNUSABLE" });
  const empty = join(out, "empty");
  mkdirSync(empty);
  await task.export("d/run", empty);
  assert.deepEqual(readdirSync(empty), ["run"]);
});

test("export: leaves nothing when it fails", async (t) => {
  const { task, out } = await open(t);
  await assert.rejects(task.export("none", join(out, "new")), { code: "NOT_FOUND" });
  assert.equal(existsSync(join(out, "new")), false);
  await assert.rejects(task.export("d", join(out, "no/such/d.tar")), { code: "DESTINATION_UNUSABLE" });
  await assert.rejects(task.export("d", "-"), { code: "INVALID_ARGUMENT" });
  assert.deepEqual(readdirSync(out), []);
});

test("export: sends an archive to standard output", async (t) => {
  const { task, cli } = await open(t);
  const ended = await cli("task", "export", task.taskId, "d/sealed/f", "--output", "-");
  assert.equal(ended.status, 0, ended.stderr);
  const content = execFileSync("tar", ["-xO"], { input: ended.stdout, encoding: "utf8" });
  assert.equal(content, "sealed\n");
  assert.equal(ended.stdout.length % 512, 0);
  assert.equal((await cli("task", "export", task.taskId, "d", "--output", "-", "--json")).status, 2);
});

test("unpack: removes what it wrote when the archive ends early or leads out, and keeps the empty directory", async (t) => {
  const directory = temporaryDirectory(t);
  const out = join(directory, "out");
  mkdirSync(out);
  writeFileSync(join(directory, "f"), "x".repeat(5_000));
  const archive = execFileSync("tar", ["-cf", "-", "-C", directory, "f"]);
  await assert.rejects(unpackInto(out, Readable.from([archive.subarray(0, 2_048)])), { code: "ARCHIVE_CORRUPT" });
  const escaping = execFileSync("tar", ["-cPf", "-", "--transform", "s,^f,../f,", "-C", directory, "f"]);
  await assert.rejects(unpackInto(out, Readable.from([escaping])), { code: "ARCHIVE_PATH_ESCAPES" });
  assert.deepEqual(readdirSync(out), []);
});
