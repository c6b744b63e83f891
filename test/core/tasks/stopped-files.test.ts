import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import type { Task } from "../../../src/index.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

interface Opened {
  readonly machines: AgentMachines;
  readonly task: Task;
  readonly project: string;
}

/** A task that was made from a project of two files. */
async function withTask(t: TestContext, act: (opened: Opened) => Promise<void>): Promise<void> {
  await using machines = new AgentMachines();
  const project = join(temporaryDirectory(t), "project");
  mkdirSync(project);
  writeFileSync(join(project, "main.c"), "one\n");
  writeFileSync(join(project, "same"), "same\n");
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12", { sourcePath: project });
  await act({ machines, task, project });
}

/** Replaces the facts of the last snapshot with those of an earlier version. */
function forgetSync(machines: AgentMachines): void {
  const path = join(machines.snapshots.list().at(-1)!.taskPath, "facts.json");
  const { synced, ...facts } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  assert.equal(synced, true);
  writeFileSync(path, JSON.stringify(facts));
}

test("a stopped task: list, stat, read, view, diff, pull and export read its snapshot, and it stays stopped", (t) =>
  withTask(t, async ({ machines, task, project }) => {
    await task.writeFile("main.c", "one\ntwo\n");
    await task.writeFile("new/file", "new\n");
    await task.stop();
    // The VM's own directory now has other files than the task had when it was stopped.
    writeFileSync(join(machines.workspaces[0]!, "main.c"), "not of the snapshot\n");

    const { entries } = await task.listFiles(".", { recursive: true });
    assert.deepEqual(
      entries.map(({ path }) => path),
      ["main.c", "new", "new/file", "same"],
    );
    assert.equal((await task.statFile("main.c")).sizeBytes, 8);
    assert.equal((await task.readFile("main.c")).content, "one\ntwo\n");
    assert.equal((await task.viewFile("new/file")).text, "1\tnew");
    assert.match((await task.diff()).patch, /\+two/);
    await task.export("new", join(project, "../exported"));
    assert.equal(readFileSync(join(project, "../exported/file"), "utf8"), "new\n");
    assert.equal((await task.syncPull()).writtenCount, 3);
    assert.equal(readFileSync(join(project, "main.c"), "utf8"), "one\ntwo\n");
    assert.equal((await task.diff()).fileCount, 0);
    assert.equal((await task.status()).state, "stopped");
  }));

test("a stopped task: several readers share one helper, and a write starts the task", (t) =>
  withTask(t, async ({ machines, task }) => {
    await task.stop();
    const read = await Promise.all(["main.c", "same", "main.c"].map((path) => task.readFile(path)));
    assert.deepEqual(
      read.map(({ content }) => content),
      ["one\n", "same\n", "one\n"],
    );
    assert.equal(machines.workspaces.length, 2);
    await task.writeFile("main.c", "three\n");
    assert.equal((await task.status()).state, "started");
    assert.equal((await task.readFile("main.c")).content, "three\n");
  }));

test("a task that an earlier version has stopped is started by a read", (t) =>
  withTask(t, async ({ machines, task }) => {
    await task.stop();
    forgetSync(machines);
    assert.equal((await task.readFile("main.c")).content, "one\n");
    assert.equal((await task.status()).state, "started");
  }));

test("task diff --since SNAPSHOT: compares with the files of a snapshot, by its name, of a started and a stopped task", (t) =>
  withTask(t, async ({ task }) => {
    await task.writeFile("main.c", "one\ntwo\n");
    await task.writeFile("gone", "a file of some length\n");
    await task.snapshot({ name: "two" });
    await task.writeFile("main.c", "one\ntwo\nthree\n");
    await task.moveFile("gone", "moved");
    const expected = [
      ["main.c", "modified", 1, 0],
      ["moved", "renamed", null, null],
    ];
    const compare = async () => {
      const { files, patch } = await task.diff([], { since: "two" });
      assert.match(patch, /^ two\n\+three\n/m);
      assert.doesNotMatch(patch, /\+two/);
      return files.map(({ path, status, additions, deletions }) => [path, status, additions, deletions]);
    };
    assert.deepEqual(await compare(), expected);
    await task.stop();
    assert.deepEqual(await compare(), expected);
    assert.equal((await task.status()).state, "stopped");
    assert.deepEqual((await task.diff([], { since: "push", nameOnly: true })).fileCount, 2);
  }));

test("task diff --since: an unknown snapshot, and one whose files are not on its disk", (t) =>
  withTask(t, async ({ machines, task }) => {
    await assert.rejects(task.diff([], { since: "nonsense" }), { code: "NOT_FOUND" });
    await task.snapshot({ name: "early" });
    forgetSync(machines);
    await assert.rejects(task.diff([], { since: "early" }), { code: "FAILED_PRECONDITION" });
  }));
