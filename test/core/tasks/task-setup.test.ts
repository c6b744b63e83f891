import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { PyroError } from "../../../src/index.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

/** A project with a lock file, and a setup that counts its runs outside the task. */
function openProject(t: TestContext) {
  const home = temporaryDirectory(t);
  const project = join(home, "project");
  const runs = join(home, "runs");
  mkdirSync(project);
  writeFileSync(join(project, "lock"), "one");
  writeFileSync(join(project, "code"), "1");
  const setup = `echo run >>${runs}; mkdir made; cp lock made/of`;
  const count = () => (existsSync(runs) ? readFileSync(runs, "utf8").split("\n").length - 1 : 0);
  return { home, project, count, options: { setup, setupKey: [join(project, "lock")] } };
}

test("task create: a setup runs once for each content of its key files, and the present source is in each task", async (t) => {
  await using machines = new AgentMachines();
  const { home, project, count, options } = openProject(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  const create = () => pyro.createTask("debian:12", { ...options, sourcePath: project });

  await using first = await create();
  const show = "cat made/of code; ls";
  assert.equal((await first.exec(show)).stdout, "one1code\nlock\nmade\n");
  writeFileSync(join(project, "code"), "2");
  writeFileSync(join(project, "new"), "");
  await using second = await create();
  assert.equal((await second.exec(show)).stdout, "one2code\nlock\nmade\nnew\n");
  assert.equal(count(), 1);
  const { workspaceSeed, commandCount } = await second.status();
  assert.deepEqual([workspaceSeed.mode, workspaceSeed.entryCount, commandCount], ["directory", 3, 1]);
  assert.deepEqual((await second.diff()).files.map(({ path }) => path).toSorted(), ["made", "made/of"]);
  rmSync(join(project, "code"));
  writeFileSync(join(project, "lock"), "two");
  await using third = await create();
  assert.equal((await third.exec("cat made/of; ls")).stdout, "twolock\nmade\nnew\n");
  assert.equal(count(), 2);
  writeFileSync(join(project, "lock"), "one");
  await using fourth = await create();
  assert.equal((await fourth.exec("cat made/of")).stdout, "one");
  assert.equal(count(), 2);
  await assert.rejects(fourth.reset(), { code: "FAILED_PRECONDITION" });
  assert.deepEqual((await pyro.listSnapshots()).snapshots, []);
  assert.equal((await pyro.listTasks()).tasks.length, 4);
});

test("task create: a setup that fails shows its status and output, and nothing is kept", async (t) => {
  await using machines = new AgentMachines();
  const { home, count, options } = openProject(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  const setup = `${options.setup}; echo said; echo wrong >&2; exit 3`;
  for (const runs of [1, 2]) {
    const error = await pyro
      .createTask("debian:12", { ...options, setup })
      .catch((thrown: unknown) => thrown as PyroError);
    assert.ok(error instanceof Error);
    const { code, message, details } = error as PyroError;
    assert.equal(code, "FAILED_PRECONDITION");
    assert.match(message, /exited with 3.*said\n.*wrong/s);
    const { stderr, ...facts } = details;
    assert.deepEqual(facts, { reason: "setup_failed", exit_code: 3, stdout: "said\n" });
    assert.ok(String(stderr).endsWith("wrong\n"));
    assert.equal(count(), runs);
  }
  assert.deepEqual(machines.snapshots.listSetups(), []);
  assert.deepEqual([(await pyro.listTasks()).tasks, readdirSync(join(home, "tasks"))], [[], []]);
});

test("task create: two tasks with one setup at once share its run", async (t) => {
  await using machines = new AgentMachines();
  const { home, project, count, options } = openProject(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  const tasks = await Promise.all(
    Array.from({ length: 3 }, () => pyro.createTask("debian:12", { ...options, sourcePath: project })),
  );
  for (const task of tasks) {
    assert.equal((await task.exec("cat made/of code")).stdout, "one1");
    await task.delete();
  }
  assert.equal(count(), 1);
});

test("task create: the result of a setup is not removed while a task starts from it", async (t) => {
  await using machines = new AgentMachines();
  const { home, project, count, options } = openProject(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  await using _first = await pyro.createTask("debian:12", { ...options, sourcePath: project });
  const [{ record } = assert.fail()] = machines.snapshots.listSetups();
  let removing = Promise.resolve();
  machines.before = async () => {
    removing = machines.snapshots.delete(record.snapshot_id);
    await new Promise(setImmediate);
  };
  await using second = await pyro.createTask("debian:12", { ...options, sourcePath: project });
  await removing;
  assert.equal((await second.exec("ls")).stdout, "code\nlock\nmade\n");
  assert.equal(count(), 1);
});

test("task create: the result of a setup that was removed meanwhile is made again", async (t) => {
  await using machines = new AgentMachines();
  const { home, project, count, options } = openProject(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  await using _first = await pyro.createTask("debian:12", { ...options, sourcePath: project });
  machines.checkSnapshot = async ({ record }) => {
    await machines.snapshots.delete(record.snapshot_id);
    return null;
  };
  await using second = await pyro.createTask("debian:12", { ...options, sourcePath: project });
  assert.equal((await second.exec("ls")).stdout, "code\nlock\nmade\n");
  assert.equal(count(), 2);
});

test("task create: a caller that waited for another's setup gets the failure of its own task, once", async (t) => {
  await using machines = new AgentMachines();
  const { home, project, count, options } = openProject(t);
  const { daemon, pyro } = await openTasks(home, machines);
  await using _ = daemon;
  let started = 0;
  machines.before = async () => {
    started += 1;
    if (started === 2 || started === 3) throw new PyroError("RESOURCE_EXHAUSTED", "of the test");
  };
  const results = await Promise.allSettled(
    [1, 2].map(() => pyro.createTask("debian:12", { ...options, sourcePath: project })),
  );
  assert.deepEqual(
    results.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.deepEqual([started, count()], [3, 1]);
});

test("task create: a key file that cannot be read, and keys without a setup or a digest, are refused", async (t) => {
  await using machines = new AgentMachines();
  const { home, project, options } = openProject(t);
  const { daemon, pyro, cli } = await openTasks(home, machines);
  await using _ = daemon;
  const setupKey = [join(project, "missing")];
  await assert.rejects(pyro.createTask("debian:12", { ...options, setupKey }), { code: "SOURCE_NOT_FOUND" });
  await assert.rejects(pyro.createTask("debian:12", { ...options, setupKey: [project] }), {
    code: "SOURCE_UNREADABLE",
  });
  const without = await cli("task", "create", "debian:12", "--setup-key", options.setupKey[0] ?? "", "--json");
  assert.deepEqual([without.status, JSON.parse(without.stdout).error.code], [2, "INVALID_ARGUMENT"]);
});
