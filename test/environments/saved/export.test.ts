import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { exportSaved } from "../../../src/environments/saved/export.js";
import { parseSavedRecord } from "../../../src/environments/saved/record.js";
import { newDraftName, newTemporaryName } from "../../../src/host/temporary.js";
import { unhurried } from "../fake-source.js";
import { exportPath, type FakeHome, importInto, openHome, save } from "./scratch.js";

/** A home, and the file of an environment that it has exported. */
async function exported(context: TestContext): Promise<{ home: FakeHome; file: string }> {
  const home = await openHome(context);
  const disk = await save(home, "web");
  const file = await exportPath(context);
  await exportSaved(disk, home.environments.filesOf(disk.digest), file, unhurried());
  return { home, file };
}

const left = ({ directory, path }: FakeHome) =>
  ["content", "tmp"].map((name) => readdirSync(join(directory, name)).length).concat(readdirSync(path).length);

test("an exported environment is the same one in another home, with all that it needs", async (context) => {
  const { home, file } = await exported(context);
  const other = await openHome(context);
  const disk = await importInto(other, file);
  assert.equal(disk.digest, home.environments.saved.find("web")?.digest);
  assert.equal(disk.record.task_id, null);
  const found = await other.environments.find("web");
  assert.equal(readFileSync(found!.rootPath, "utf8"), "root of debian:12, build 1");
  assert.equal(readFileSync(found!.kernelPath, "utf8"), "kernel");
  // Only the disk holds the content: it stays while the disk exists.
  assert.deepEqual((await other.environments.prune()).removed, []);
  await other.environments.remove("web");
  assert.equal((await other.environments.prune()).removed.length, 1);
  assert.deepEqual(left(other), [0, 0, 0]);
});

test("an import uses a base environment that is installed already", async (context) => {
  const { home, file } = await exported(context);
  await home.environments.remove("web");
  await importInto(home, file);
  assert.deepEqual(left(home), [1, 0, 1]);
});

test("an export does not replace a file, and leaves none when its directory is missing", async (context) => {
  const { home, file } = await exported(context);
  const disk = home.environments.saved.find("web")!;
  const to = (path: string) => exportSaved(disk, home.environments.filesOf(disk.digest), path, unhurried());
  await assert.rejects(to(file), { code: "FILE_EXISTS" });
  await assert.rejects(to(join(file, "below")), { code: "DESTINATION_UNUSABLE" });
  const cancelled = AbortSignal.abort(new Error("cancelled"));
  const other = `${file}.other`;
  await assert.rejects(exportSaved(disk, home.environments.filesOf(disk.digest), other, cancelled));
  assert.deepEqual(readdirSync(join(file, "..")), ["web.tar"]);
});

test("an export removes the drafts of killed exports beside it, and nothing of the user", async (context) => {
  const { home, file } = await exported(context);
  const directory = join(file, "..");
  const dead = spawnSync("true").pid;
  const killed = newDraftName().replace(/^tmp-\d+\.\d+/, `tmp-${dead}.1`);
  const folder = killed.replace(/.{12}$/, "a".repeat(12));
  const mine = ["tmp-notes", `tmp-${dead}.1-notes`, newTemporaryName()];
  for (const name of [...mine, killed]) writeFileSync(join(directory, name), "");
  mkdirSync(join(directory, folder));
  const disk = home.environments.saved.find("web")!;
  await exportSaved(disk, home.environments.filesOf(disk.digest), join(directory, "other.tar"), unhurried());
  const stay = [...mine, folder, "other.tar", "web.tar"];
  assert.deepEqual(readdirSync(directory).toSorted(), stay.toSorted());
});

test("an export does not replace a file that appears while it is written", async (context) => {
  const { home, file } = await exported(context);
  const disk = home.environments.saved.find("web")!;
  const other = `${file}.other`;
  const signal = new AbortController().signal;
  signal.throwIfAborted = () => writeFileSync(other, "theirs");
  await assert.rejects(exportSaved(disk, home.environments.filesOf(disk.digest), other, signal), {
    code: "FILE_EXISTS",
  });
  assert.equal(readFileSync(other, "utf8"), "theirs");
  assert.deepEqual(readdirSync(join(file, "..")).toSorted(), ["web.tar", "web.tar.other"]);
});

test("a record whose environment has an endless name is damaged", async (context) => {
  const { home } = await exported(context);
  const { record } = home.environments.saved.find("web")!;
  assert.notEqual(parseSavedRecord(record), null);
  assert.equal(parseSavedRecord({ ...record, environment: "x".repeat(8_193) }), null);
});

/** Damage that a file may get on its way. */
const damages: readonly (readonly [string, (bytes: Buffer) => Buffer])[] = [
  ["is empty", () => Buffer.alloc(0)],
  ["is not an archive", () => Buffer.from("no archive at all")],
  ["was cut off", (bytes) => bytes.subarray(0, bytes.length - 2_048)],
  ["has another kernel", (bytes) => Buffer.from(bytes.toString("latin1").replace("kernel\0", "kernem\0"), "latin1")],
  ["has another disk", (bytes) => Buffer.from(bytes.toString("latin1").replace("files\0", "filet\0"), "latin1")],
  [
    "is of a newer pyro",
    (bytes) => Buffer.from(bytes.toString("latin1").replace('"format": 1', '"format": 2'), "latin1"),
  ],
];

for (const [what, damage] of damages) {
  test(`an import of a file that ${what} fails and leaves nothing`, async (context) => {
    const { file } = await exported(context);
    const damaged = damage(readFileSync(file));
    assert.notDeepEqual(damaged, readFileSync(file));
    writeFileSync(file, damaged);
    const other = await openHome(context);
    await assert.rejects(importInto(other, file), { code: "ENVIRONMENT_CORRUPT" });
    await other.environments.prune();
    assert.deepEqual(left(other), [0, 0, 0]);
  });
}

test("an import of a file that cannot be read names it", async (context) => {
  const other = await openHome(context);
  const file = "/nowhere/web.tar";
  await assert.rejects(importInto(other, file), { code: "SOURCE_UNREADABLE", details: { path: file } });
});
