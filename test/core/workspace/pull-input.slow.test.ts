import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { readTree } from "../../client/pull/guest.js";
import { PulledProject, writeFiles } from "./pulled-project.js";

/** The large sizes are for a long search. */
const isLong = process.env["PYRO_TEST_RUNS"] !== undefined;
const [FILES, MIB] = isLong ? [5_000, 100] : [500, 10];

test("pull: many small files and a large one arrive, and a second pull has nothing to do", async (t) => {
  await using project = await PulledProject.open(t, {});
  const { workspace, host } = project;
  const big = randomBytes(1 << 20);
  const names = Array.from({ length: FILES }, (_, n) => `d${n % 50}/f${n}`);
  writeFiles(workspace, Object.fromEntries(names.map((name) => [name, name])));
  writeFileSync(join(workspace, "big"), Buffer.concat(Array.from({ length: MIB }, () => big)));
  assert.equal((await project.pull()).written_count, FILES + 51);
  for (const name of [...names, "big"]) {
    assert.ok(readFileSync(join(host, name)).equals(readFileSync(join(workspace, name))), name);
  }
  assert.equal((await project.pull()).written_count, 0);
});

test("pull: more paths than one request holds arrive, and are settled", async (t) => {
  await using project = await PulledProject.open(t, {});
  const name = "n".repeat(240);
  const names = Array.from({ length: 3_000 }, (_, n) => `${name}/${name}${n}`);
  writeFiles(project.workspace, Object.fromEntries(names.map((path) => [path, "1"])));
  assert.equal((await project.pull()).written_count, names.length + 1);
  assert.deepEqual((await project.client.call("task.changes", { task_id: project.taskId })).changes, []);
});

test("diff: after a pull, later changes of the pulled files are shown as text, also after an undo", async (t) => {
  await using project = await PulledProject.open(t, { a: "1\n" });
  const { client, taskId: task_id, workspace } = project;
  const patchOf = async () => (await client.call("task.diff", { task_id })).patch;
  writeFiles(workspace, { a: "2\n", b: "new\n" });
  await project.pull();
  assert.equal(await patchOf(), "");
  writeFiles(workspace, { a: "3\n", b: "newer\n" });
  assert.match(await patchOf(), /^-2\n\+3\n[^]*^-new\n\+newer\n/m);
  await project.undo();
  assert.match(await patchOf(), /^-1\n\+3\n[^]*^new file mode 100644\n[^]*^\+newer\n/m);
});

test("settle: entries that break the contract, or arrive incomplete, leave the base unchanged", async (t) => {
  await using project = await PulledProject.open(t, {});
  const { client, taskId: task_id, host: origin } = project;
  writeFiles(project.workspace, { a: "1" });
  const settle = (stdin: AsyncIterable<Uint8Array>, signal?: AbortSignal) =>
    client.call("task.settle", { task_id, origin }, { stdin, ...(signal && { signal }) });
  async function* lines(...texts: string[]) {
    yield* texts.map((text) => Buffer.from(text));
  }
  const gone = JSON.stringify(["a", null]);
  for (const text of ["{", '["a"]', '["", null]', '["a", {"type": "file"}]', `"${"x".repeat(70_000)}"`]) {
    await assert.rejects(settle(lines(`${gone}\n`, `${text}\n`)), { code: "INVALID_ARGUMENT" }, text);
  }
  const leaving = new AbortController();
  async function* cut() {
    yield* lines(`${gone}\n`);
    leaving.abort();
    await new Promise(() => {});
  }
  await assert.rejects(settle(cut(), leaving.signal), { code: "ABORTED" });
  const { changes } = await client.call("task.changes", { task_id });
  assert.deepEqual(
    changes.map(({ path }) => path),
    ["a"],
  );
});

test("pull: a task made from an archive needs a destination, which later pulls go to", async (t) => {
  await using project = await PulledProject.open(t, { a: "1" });
  const { directory, workspace } = project;
  const archive = join(directory, "a.tar");
  assert.equal(spawnSync("tar", ["-C", project.host, "-cf", archive, "."]).status, 0);
  const task = await project.cli("task", "create", "debian:12", "--name", "archived", "--source-path", archive);
  assert.equal(task.status, 0, task.stderr);
  const refused = await project.cli("task", "sync", "pull", "archived");
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /destination/);
  const copy = join(directory, "copy");
  mkdirSync(copy);
  assert.equal((await project.cli("task", "sync", "pull", "archived", copy)).status, 0);
  assert.equal(readFileSync(join(copy, "a"), "utf8"), "1");
  assert.equal((await project.cli("task", "sync", "pull", "archived")).status, 0);
  assert.deepEqual(
    readdirSync(workspace).filter((name) => name === "copy"),
    [],
  );
});

test("pull: a push over changes of the workspace makes them part of the base", async (t) => {
  await using project = await PulledProject.open(t, { a: "1", b: "1" });
  writeFiles(project.workspace, { a: "guest", b: "guest", c: "guest" });
  writeFiles(project.host, { a: "host" });
  await project.push();
  const { changes } = await project.pull();
  assert.deepEqual(
    changes.map(({ path }) => path),
    ["c"],
  );
  assert.equal(readFileSync(join(project.host, "a"), "utf8"), "host");
});

test("pull: paths, exclude and include choose the changes that arrive; the others arrive in a later pull", async (t) => {
  await using project = await PulledProject.open(t, { "src/a": "1" });
  const { workspace, host } = project;
  writeFiles(workspace, { "src/a": "2", "src/a.log": "x", "doc/b": "2", ".git/HEAD": "ref", "sub/.git/HEAD": "ref" });
  const pathsOf = async (fields: Parameters<typeof project.pull>[0]) =>
    (await project.pull(fields)).changes.map(({ path }) => path);
  await assert.rejects(pathsOf({ paths: ["../etc"] }), { code: "INVALID_ARGUMENT", message: /^The path "\.\.\/etc"/ });
  assert.deepEqual(await pathsOf({ paths: ["src"], exclude: ["*.log"] }), ["src/a"]);
  assert.deepEqual(await pathsOf({ paths: ["/workspace/src"] }), ["src/a.log"]);
  assert.deepEqual(await pathsOf({ dry_run: true }), ["doc", "doc/b", "sub"]);
  assert.deepEqual(await pathsOf({ include: [".git"] }), [
    ".git",
    ".git/HEAD",
    "doc",
    "doc/b",
    "sub",
    "sub/.git",
    "sub/.git/HEAD",
  ]);
  assert.equal(readFileSync(join(host, ".git/HEAD"), "utf8"), "ref");
});

test("pull: deletes only on request, and only entries that the host has not changed", async (t) => {
  await using project = await PulledProject.open(t, { "d/a": "1", "d/b": "1", "e/c": "1" });
  const { workspace, host } = project;
  rmSync(join(workspace, "d"), { recursive: true });
  rmSync(join(workspace, "e"), { recursive: true });
  assert.equal((await project.pull()).kept_count, 5);
  writeFiles(host, { "d/own": "mine" });
  assert.equal((await project.pull({ delete: true })).conflicts.length, 0);
  assert.deepEqual([...readTree(host).keys()], ["d", "d/own"]);
  await project.undo();
  assert.deepEqual([...readTree(host).keys()], ["d", "d/a", "d/b", "d/own", "e", "e/c"]);
});

test("pull: a link to the directory of the base counts as that directory, and another directory does not", async (t) => {
  await using project = await PulledProject.open(t, { a: "1" });
  const { directory, host, workspace } = project;
  const link = join(directory, "link");
  symlinkSync(host, link);
  writeFiles(workspace, { a: "2" });
  assert.deepEqual(
    (await project.pull({ destination: link })).changes.map(({ path }) => path),
    ["a"],
  );
  const other = join(directory, "other");
  writeFiles(other, { a: "mine" });
  const { conflicts } = await project.pull({ destination: other });
  assert.deepEqual(
    conflicts.map(({ path }) => path),
    ["a"],
  );
});

test("pull: two at once into one directory: one of them pulls, and the other is refused or has nothing to do", async (t) => {
  await using project = await PulledProject.open(t, {});
  const { workspace, host } = project;
  writeFiles(workspace, Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`f${n}`, `${n}`])));
  const ended = await Promise.allSettled([project.pull(), project.pull(), project.pull()]);
  const written = ended.map((end) => (end.status === "fulfilled" ? end.value.written_count : end.reason.code));
  assert.equal(written.filter((count) => count === 500).length, 1);
  assert.ok(
    written.every((count) => [500, 0, "FAILED_PRECONDITION"].includes(count)),
    JSON.stringify(written),
  );
  assert.equal(readdirSync(host).length, 500);
});
