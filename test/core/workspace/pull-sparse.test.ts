import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  createReadStream,
  ftruncateSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { performOperation } from "../../../src/client/perform.js";
import { PulledProject } from "./pulled-project.js";

const MIB = 1_048_576;
/** The most that a planted file may take on the disk: its data, in whole blocks, and the file system's own blocks. */
const MOST_BYTES = 4 * MIB;

/** A sparse file with data at the beginning, in the middle and at the end. */
function plant(path: string, sizeBytes: number): void {
  const file = openSync(path, "wx");
  ftruncateSync(file, sizeBytes);
  for (const at of [0, 3 * Math.floor(sizeBytes / 8), sizeBytes - 5]) writeSync(file, "datum", at);
  writeSync(file, Buffer.alloc(MIB, "data"), 0, MIB, Math.floor(sizeBytes / 2));
  closeSync(file);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
  return hash.digest("hex");
}

const roomOf = (path: string) => statSync(path).blocks * 512;

async function assertArrived(path: string, original: string): Promise<void> {
  assert.equal(await digestOf(path), await digestOf(original));
  assert.ok(roomOf(path) < MOST_BYTES, `${path} takes ${roomOf(path)} bytes`);
}

async function open(t: TestContext, sizeBytes: number): Promise<{ project: PulledProject; planted: string }> {
  const project = await PulledProject.open(t, { kept: "kept\n" });
  const planted = join(project.workspace, "disk.img");
  plant(planted, sizeBytes);
  return { project, planted };
}

test("pull: the holes of a file stay holes, and count as unchanged in the next pull", async (t) => {
  const { project, planted } = await open(t, 80 * MIB);
  await using _ = project;
  const { changes } = await project.pull();
  const pulled = join(project.host, "disk.img");
  await assertArrived(pulled, planted);
  assert.equal(changes[0]?.after?.sha256, await digestOf(planted));
  const input = { task_id: project.taskId, paths: [], exclude: [], include: [], lazy: true };
  assert.deepEqual((await performOperation(project.client, "task.changes", input)).changes, []);
  assert.equal((await project.pull()).written_count, 0);
  await project.undo();
  assert.deepEqual(project.hostFiles(), { kept: "kept\n" });
});

test("pull: the holes of a file stay holes on another file system than that of PYRO_HOME", async (t) => {
  const { project, planted } = await open(t, 40 * MIB);
  await using _ = project;
  const isOther = (place: string) => statSync(place).dev !== statSync(project.directory).dev;
  const other = mkdtempSync(join(["/dev/shm", "/var/tmp"].find(isOther)!, "pyro-sparse-"));
  t.after(() => rmSync(other, { recursive: true }));
  await project.pull({ destination: other });
  await assertArrived(join(other, "disk.img"), planted);
});

test("export: the holes of a file stay holes in a directory, and take no room in an archive that GNU tar reads", async (t) => {
  const { project, planted } = await open(t, 40 * MIB);
  await using _ = project;
  const { client, taskId, directory } = project;
  const [output, archive, extracted] = ["out", "out.tar", "extracted"].map((name) => join(directory, name));
  await performOperation(client, "task.export_to", { task_id: taskId, path: ".", output: output! });
  await assertArrived(join(output!, "disk.img"), planted);
  await performOperation(client, "task.export_to", { task_id: taskId, path: ".", output: archive! });
  assert.ok(statSync(archive!).size < MOST_BYTES);
  execFileSync("mkdir", [extracted!]);
  execFileSync("tar", ["-xf", archive!, "-C", extracted!]);
  await assertArrived(join(extracted!, "disk.img"), planted);
});

test("export: a file with a terabyte of holes is exported in the time that its data takes", async (t) => {
  const { project } = await open(t, 2 ** 40);
  await using _ = project;
  const output = join(project.directory, "out.tar");
  const exported = { task_id: project.taskId, path: "disk.img", output };
  const { bytes } = await performOperation(project.client, "task.export_to", exported);
  assert.equal(bytes, 2 ** 40);
  assert.ok(statSync(output).size < MOST_BYTES);
});
