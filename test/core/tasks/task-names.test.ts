import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { PyroError } from "../../../src/index.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks as open, SECRET } from "../open-tasks.js";

const QUICK = ["--cwd", "/"];

test("a task is found by its name in every operation, and the name is free once the task is deleted", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro, cli } = await open(temporaryDirectory(t), machines);
  await using _ = daemon;
  const created = await cli("task", "create", "debian:12", "--name", "web", "-q");
  assert.equal(created.status, 0, created.stderr);
  const id = created.stdout.trim();
  assert.match(id, /^task-[0-9a-f]{12}$/);

  assert.equal((await cli("task", "list", "-q")).stdout, `${id}\n`);
  const ran = await cli("task", "exec", "web", ...QUICK, "--", "echo", "hi");
  assert.deepEqual([ran.status, ran.stdout], [0, "hi\n"]);
  assert.match(ran.stderr, new RegExp(`task_id=${id} sequence=1`));
  assert.deepEqual([(await pyro.statusTask("web")).taskId, (await pyro.statusTask("web")).name], [id, "web"]);
  assert.equal((await pyro.outputTask("web", 1)).taskId, id);
  assert.equal((await pyro.logsTask("web")).count, 1);
  assert.match((await cli("task", "list")).stdout, /TASK +NAME +ENV.*\ntask-\w+ +web +debian/);

  const taken = await pyro.createTask("debian:12", { name: "web" }).catch((error: unknown) => error);
  assert.ok(taken instanceof PyroError && taken.code === "ALREADY_EXISTS");
  assert.deepEqual(taken.details, { name: "web", task_id: id });
  assert.equal((await pyro.deleteTask("web")).taskId, id);
  await assert.rejects(pyro.statusTask("web"), { code: "NOT_FOUND" });
  await pyro.createTask("debian:12", { name: "web" });
});

test("two tasks that are created at once under one name: only one of them is created", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await open(temporaryDirectory(t), machines);
  await using _ = daemon;
  const made = await Promise.allSettled([1, 2, 3].map(() => pyro.createTask("debian:12", { name: "one" })));
  assert.equal(made.filter(({ status }) => status === "fulfilled").length, 1);
  machines.before = async () => {
    throw new PyroError("DISK_FULL", "The disk is full.");
  };
  await assert.rejects(pyro.createTask("debian:12", { name: "two" }), { code: "DISK_FULL" });
  machines.before = async () => {};
  await pyro.createTask("debian:12", { name: "two" });
});

test("a name that looks like an id, or has a forbidden character, is refused", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await open(temporaryDirectory(t), machines);
  await using _ = daemon;
  for (const name of ["task-0123456789ab", "", "-x", "a/b", "a b", "ü", "x".repeat(64)]) {
    await assert.rejects(pyro.createTask("debian:12", { name }), { code: "INVALID_ARGUMENT" }, name);
  }
});

test("labels select the tasks of a list; labels and names outlive the daemon", async (t) => {
  await using machines = new AgentMachines();
  const home = temporaryDirectory(t);
  {
    const { daemon, pyro, cli } = await open(home, machines);
    await using _ = daemon;
    await cli("task", "create", "debian:12", "--label", "team=web", "--label", "urgent", "--name", "a");
    await pyro.createTask("debian:12", { labels: { team: "db" }, name: "b" });
    const names = async (...labels: string[]) =>
      (await pyro.listTasks({ labels })).tasks.map(({ name }) => name).toSorted();
    assert.deepEqual(await names(), ["a", "b"]);
    assert.deepEqual(await names("team"), ["a", "b"]);
    assert.deepEqual(await names("team=db"), ["b"]);
    assert.deepEqual(await names("team=web", "urgent="), ["a"]);
    assert.deepEqual(await names("toString"), []);
    const { stdout } = await cli("task", "list", "--label", "team=db", "-q");
    assert.equal(stdout, `${(await pyro.statusTask("b")).taskId}\n`);
  }
  const { daemon, pyro } = await open(home, machines);
  await using _ = daemon;
  assert.deepEqual((await pyro.statusTask("a")).labels, { team: "web", urgent: "" });
});

test("a task's variables reach each command, and no output shows their values", async (t) => {
  await using machines = new AgentMachines();
  const home = temporaryDirectory(t);
  const { daemon, cli } = await open(home, machines);
  await using _ = daemon;
  const created = await cli("task", "create", "debian:12", "--env", "TOKEN", "--env", "MODE=task", "--name", "x");
  assert.match(created.stdout, /^Variables: MODE TOKEN$/m);
  assert.equal(
    (await cli("task", "exec", "x", ...QUICK, "--", "sh", "-c", "echo $MODE ${#TOKEN}")).stdout,
    "task 12\n",
  );
  const own = await cli("task", "exec", "x", ...QUICK, "--env", "MODE=own", "--", "sh", "-c", "echo $MODE");
  assert.equal(own.stdout, "own\n");

  const shown = [created, await cli("task", "status", "x", "--json"), await cli("task", "list", "--json")];
  for (const { stdout } of [...shown, await cli("task", "logs", "x", "--json")]) assert.ok(!stdout.includes(SECRET));
  assert.ok(!readFileSync(daemon.home.daemonLog, "utf8").includes(SECRET));
  const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const holding = files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path, "utf8").includes(SECRET));
  assert.deepEqual(
    holding.map((path) => [path.slice(path.lastIndexOf("/") + 1), statSync(path).mode & 0o777]),
    [["task.json", 0o600]],
  );
});
