import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { kill, processesOf, until } from "../client/scratch.js";
import { TaskScratch } from "./task-scratch.js";

/** A task whose project was changed by a command, and whose VM is killed then. */
async function dyingTask(scratch: TaskScratch): Promise<{ task: string; project: string }> {
  const project = join(scratch.directory, "project");
  mkdirSync(project);
  writeFileSync(join(project, "main.c"), "int main;\n");
  writeFileSync(join(project, "same"), "same\n");
  const created = await scratch.json<{ task_id: string }>(
    "task",
    "create",
    "debian:12",
    "--source-path",
    project,
    "--mem-mib",
    "256",
  );
  const task = created.task_id;
  const script =
    "echo 'int two;' >>main.c; mkdir out; echo made >out/a; ln -s /etc/os-release link; echo x >/var/x; chown 7:7 /var/x; sync";
  assert.equal((await scratch.execHere(task, script)).exit_code, 0);
  return { task, project };
}

test("the files of a task whose VM was killed are listed, read, compared, pulled and exported", async () => {
  await using scratch = new TaskScratch();
  const { task, project } = await dyingTask(scratch);
  kill(scratch.qemuOf(task));
  await until("the task has failed", async () => (await scratch.status(task)).state === "failed");
  const listed = await scratch.json<{ entries: { path: string }[] }>("task", "file", "list", task);
  assert.deepEqual(
    listed.entries.map(({ path }) => path),
    ["link", "main.c", "out", "same"],
  );
  assert.equal((await scratch.pyro(["task", "file", "read", task, "/var/x"])).stdout, "x\n");
  // Links lead to the same targets as in the VM.
  assert.match((await scratch.pyro(["task", "file", "read", task, "link"])).stdout, /Debian/);
  assert.equal((await scratch.json<{ size_bytes: number }>("task", "file", "stat", task, "out/a")).size_bytes, 5);
  const asUser = await scratch.failure("task", "file", "read", task, "/etc/shadow", "--user", "7");
  assert.equal(asUser.code, "FILE_REFUSED");
  const diff = await scratch.pyro(["task", "diff", task]);
  assert.match(diff.stdout, /\+int two;/);
  const tar = join(scratch.directory, "out.tar");
  assert.equal((await scratch.pyro(["task", "export", task, "out", "--output", tar])).status, 0);
  for (const refused of [
    ["task", "file", "mkdir", task, "new"],
    ["task", "exec", task, "--", "true"],
    ["task", "sync", "push", task, project],
  ]) {
    assert.equal((await scratch.failure(...refused)).code, "FAILED_PRECONDITION", refused.join(" "));
  }
  // Another daemon finds the disk, and pruning keeps the files that the disk needs.
  assert.equal((await scratch.pyro(["daemon", "stop"])).status, 0);
  scratch.linkTemplates();
  assert.equal((await scratch.pyro(["env", "prune"])).status, 0);
  const pulled = await scratch.pyro(["task", "sync", "pull", task, project]);
  assert.equal(pulled.status, 0, pulled.stderr);
  assert.equal(readFileSync(join(project, "main.c"), "utf8"), "int main;\nint two;\n");
  assert.equal(readFileSync(join(project, "out/a"), "utf8"), "made\n");
  await scratch.delete(task);
  assert.deepEqual(scratch.leftovers(), []);
});

test("what a guest has synced is on the disk of a killed VM", async () => {
  await using scratch = new TaskScratch();
  const task = await scratch.create();
  const names = Array.from({ length: 12 }, (_, index) => `d${index % 3}/f${index}`);
  for (const name of names) {
    const script = `mkdir -p ${dirname(name)}; head -c 200000 /dev/zero | tr '\\0' x >${name}; sync`;
    assert.equal((await scratch.execHere(task, script)).exit_code, 0);
  }
  kill(scratch.qemuOf(task));
  await until("the task has failed", async () => (await scratch.status(task)).state === "failed");
  const output = join(scratch.directory, "output");
  const { status, stderr } = await scratch.pyro(["task", "export", task, "/workspace", "--output", output]);
  assert.equal(status, 0, stderr);
  for (const name of names) assert.equal(readFileSync(join(output, name), "utf8"), "x".repeat(200_000), name);
});

test("after a reboot of the host the disk of a task can be read", async () => {
  await using scratch = new TaskScratch();
  const { task } = await dyingTask(scratch);
  const runtime = realpathSync(`${scratch.home}/run`);
  await until("everything is dead", () => {
    processesOf(scratch.home).forEach(kill);
    return processesOf(scratch.home).length === 0;
  });
  rmSync(runtime, { recursive: true });
  assert.equal((await scratch.status(task)).state, "stopped");
  const [first, second] = await Promise.all(
    ["out/a", "main.c"].map((path) => scratch.pyro(["task", "file", "read", task, path])),
  );
  assert.deepEqual([first?.stdout, second?.stdout], ["made\n", "int main;\nint two;\n"]);
  await scratch.delete(task);
  assert.deepEqual(scratch.leftovers(), []);
});

test("the files of a stopped task are read from its snapshot, which does not change, and the task continues from it", async () => {
  await using scratch = new TaskScratch();
  const created = await scratch.json<{ task_id: string }>("task", "create", "debian:12", "--mem-mib", "256");
  const task = created.task_id;
  // Written right before the stop, and not synced by the command.
  assert.equal((await scratch.execHere(task, "echo one >a; echo two >/var/b; mkdir d; echo x >d/e")).exit_code, 0);
  await scratch.json("task", "snapshot", "create", task, "--name", "kept");
  assert.equal((await scratch.execHere(task, "echo more >>a; (sleep 1000; echo) & echo $! >pid")).exit_code, 0);
  assert.equal((await scratch.pyro(["task", "stop", task])).status, 0);
  const before = digestsOf(join(scratch.home, "snapshots"));

  const name = task.replace("task-", "vm-");
  assert.equal((await scratch.pyro(["task", "file", "read", task, "/etc/hostname"])).stdout, `${name}\n`);
  assert.equal((await scratch.pyro(["task", "file", "read", task, "a"])).stdout, "one\nmore\n");
  assert.equal((await scratch.pyro(["task", "file", "read", task, "/var/b"])).stdout, "two\n");
  const since = await scratch.pyro(["task", "diff", task, "--since", "kept"]);
  assert.match(since.stdout, /^ one\n\+more\n/m, since.stderr);
  const into = join(scratch.directory, "into");
  mkdirSync(into);
  assert.equal((await scratch.pyro(["task", "sync", "pull", task, into])).status, 0);
  assert.equal(readFileSync(join(into, "d/e"), "utf8"), "x\n");
  assert.equal((await scratch.status(task)).state, "stopped");
  assert.deepEqual(digestsOf(join(scratch.home, "snapshots")), before);

  assert.equal((await scratch.execHere(task, "grep -q more a && kill -0 $(cat pid)")).exit_code, 0);
  await scratch.delete(task);
  assert.deepEqual(scratch.leftovers(), []);
});

/** The files beneath a directory with their content. */
function digestsOf(directory: string): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map(({ parentPath, name }) => join(parentPath, name))
    .map((path) => `${path} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`)
    .toSorted();
}
