import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import type { Task } from "../../../src/index.js";
import { until } from "../../client/scratch.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

/** A task whose guest is a plain process on this host. */
async function openTask(t: TestContext) {
  const machines = new AgentMachines();
  const home = temporaryDirectory(t);
  const { daemon, pyro, cli, tasks } = await openTasks(home, machines);
  const task = await pyro.createTask("debian:12");
  return {
    ...{ home, pyro, task, cli },
    async [Symbol.asyncDispose]() {
      await tasks.detachAll();
      await daemon[Symbol.asyncDispose]();
      await machines[Symbol.asyncDispose]();
    },
  };
}

const inRoot = { cwd: "/" };
/** Prints a line and waits, until TERM. */
const WAITS = "echo up; exec sleep 600";

const stateOf = async (task: Task, name: string) => (await task.statusService(name)).state;

test("services: one that is ready once it was started runs until it is stopped, and its output stays", async (t) => {
  await using opened = await openTask(t);
  const { task } = opened;
  const started = await task.startService("web", "echo up; echo down >&2; exec sleep 600", inRoot);
  assert.deepEqual([started.name, started.state, started.ready, started.sequence], ["web", "ready", null, 1]);
  let said = "";
  for (let cursor = "start"; said.length < "up\ndown\n".length;) {
    const page = await task.logsService("web", { cursor, waitSeconds: 30 });
    assert.equal(page.complete, false);
    [said, cursor] = [said + page.text, page.cursor];
  }
  assert.deepEqual(said.split("\n").toSorted(), ["", "down", "up"]);
  assert.deepEqual((await task.status()).services, [{ name: "web", state: "ready" }]);
  await assert.rejects(task.startService("web", WAITS, inRoot), { code: "ALREADY_EXISTS" });

  const stopped = await task.stopService("web");
  assert.deepEqual([stopped.state, stopped.exitCode, stopped.lastLines.length], ["stopped", 143, 2]);
  assert.equal((await task.stopService("web")).state, "stopped");
  assert.match((await task.logsService("web", { lines: 1 })).text, /^(up|down)\n$/);
  assert.ok((await task.logsService("web")).complete);
  // A new service of the same name has its own output.
  const again = await task.startService("web", "echo again; exec sleep 600", { ...inRoot, ready: "log:again" });
  assert.deepEqual([again.state, again.sequence], ["ready", 2]);
  assert.equal((await task.logsService("web", { cursor: "start" })).text, "again\n");
  assert.deepEqual((await task.listServices()).services.length, 1);
});

test("services: each condition is waited for", async (t) => {
  await using opened = await openTask(t);
  const { task, home } = opened;
  const file = join(home, "is-ready");
  const conditions = { file: `file:${file}`, command: `command:test -e ${file}`, log: "log:now ready" };
  for (const [name, ready] of Object.entries(conditions)) {
    const script = `while ! test -e ${file}.${name}; do sleep 0.05; done; touch ${file}; echo now ready >&2; exec sleep 600`;
    const begun = await task.startService(name, script, { ...inRoot, ready, waitSeconds: 0 });
    assert.equal(begun.state, "starting", name);
    writeFileSync(`${file}.${name}`, "");
    assert.equal((await task.statusService(name, { waitSeconds: 60 })).state, "ready", name);
    await task.exec(`rm ${file}`, inRoot);
  }
  let status = 503;
  const server = createHttpServer((_, response) => response.writeHead(status).end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.closeAllConnections());
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const tcp = await task.startService("tcp", WAITS, { ...inRoot, ready: `tcp:${port}` });
  assert.equal(tcp.state, "ready");
  const http = await task.startService("http", WAITS, { ...inRoot, ready: `http:${port}/health`, waitSeconds: 0 });
  assert.equal(http.state, "starting");
  status = 204;
  assert.equal((await task.statusService("http", { waitSeconds: 60 })).state, "ready");
});

test("services: one that ends, or is not ready in time, fails with its last lines", async (t) => {
  await using opened = await openTask(t);
  const { task, cli } = opened;
  const options = { ...inRoot, ready: "log:ready" };
  await assert.rejects(task.startService("broken", "echo cannot bind >&2; exit 3", options), (error: unknown) => {
    const { code, message, details } = error as Error & { code: string; details: Record<string, unknown> };
    assert.deepEqual([code, details["exit_code"], details["last_output"]], ["SERVICE_NOT_READY", 3, "cannot bind"]);
    assert.match(message, /exit status 3/);
    return true;
  });
  assert.equal(await stateOf(task, "broken"), "failed");
  const slow = { ...options, readyTimeoutSeconds: 1 };
  await assert.rejects(task.startService("slow", "echo hm; exec sleep 600", slow), { code: "SERVICE_NOT_READY" });
  await until("its command has ended", async () => (await task.statusService("slow")).exitCode !== null);
  assert.match((await task.statusService("slow")).reason ?? "", /not ready within 1 s/);
  await assert.rejects(task.startService("nowhere", "true", { cwd: "/no/such" }), { code: "SERVICE_NOT_READY" });

  const failed = await cli(
    "task",
    "service",
    "start",
    task.taskId,
    "cli",
    "--cwd",
    "/",
    "--ready",
    "log:x",
    "--",
    "sh",
    "-c",
    "echo last words; exit 1",
  );
  assert.deepEqual([failed.status, failed.stdout], [125, ""]);
  assert.match(failed.stderr, /last words/);
});

test("services: one that fails is started again, and one that keeps failing is given up", async (t) => {
  await using opened = await openTask(t);
  const { task, home } = opened;
  const restart = { ...inRoot, restart: "on-failure" as const };
  const [first, second] = [join(home, "first"), join(home, "second")];
  const script = `test -e ${first} || { touch ${first}; exit 1; }; test -e ${second} || { touch ${second}; exit 2; }; echo third; exec sleep 600`;
  const started = await task.startService("third", script, { ...restart, ready: "log:third" });
  assert.deepEqual([started.state, started.restartCount, started.sequence], ["ready", 2, 3]);
  const whole = await task.logsService("third", { cursor: "1.0.0", waitSeconds: 30 });
  assert.equal(whole.text, "third\n");
  await task.stopService("third");
  const ended = await task.startService("ends", "exit 0", { ...restart, waitSeconds: 30 });
  await until("it has ended", async () => (await stateOf(task, "ends")) === "ended");
  assert.equal(ended.restartCount, 0);
});

test("services: its ports are published while the service runs", async (t) => {
  await using opened = await openTask(t);
  const { task } = opened;
  await task.publishPort(8001);
  const { ports } = await task.startService("web", WAITS, { ...inRoot, publish: ["8000", "8001"] });
  assert.deepEqual(
    ports.map(({ port, open }) => [port, open]),
    [
      [8000, true],
      [8001, true],
    ],
  );
  const taken = String(ports[0]!.hostPort);
  await assert.rejects(task.startService("other", WAITS, { ...inRoot, publish: ["8002", `${taken}:8003`] }), {
    code: "FAILED_PRECONDITION",
  });
  assert.deepEqual((await task.listServices()).services.length, 1);
  await task.stopService("web");
  assert.deepEqual(
    (await task.listPorts()).ports.map(({ port }) => port),
    [8001],
  );
});

test("services: a stopped task suspends them, a start continues them, and a fork has them without ports", async (t) => {
  await using opened = await openTask(t);
  const { task, pyro, home } = opened;
  const file = join(home, "end");
  const script = `echo up; while ! test -e ${file}; do sleep 0.05; done; echo over; exit 7`;
  await task.startService("web", script, { ...inRoot, ready: "log:up", publish: ["8000"] });
  await task.stop();
  assert.equal(await stateOf(task, "web"), "suspended");
  const kept = await task.logsService("web");
  assert.deepEqual([kept.text, kept.state, kept.complete], ["up\n", "suspended", false]);
  await task.start();
  const { state, ports } = await task.statusService("web");
  assert.deepEqual([state, ports.length], ["ready", 1]);
  // The process of a stopped task continues in the fork here.
  await task.stop();
  const [forked] = (await task.fork()).tasks;
  const fork = await pyro.openTask(forked!.taskId);
  const inFork = await fork.statusService("web");
  assert.deepEqual([inFork.state, inFork.ports], ["ready", []]);
  writeFileSync(file, "");
  await until("it has failed", async () => (await stateOf(fork, "web")) === "failed");
  const { exitCode, lastLines, reason } = await fork.statusService("web");
  assert.deepEqual([exitCode, lastLines], [7, ["over"]]);
  assert.match(reason ?? "", /exit status 7/);
  assert.equal(await stateOf(task, "web"), "suspended");
});

test("services: a reset ends those that the snapshot does not have", async (t) => {
  await using opened = await openTask(t);
  const { task } = opened;
  await task.startService("web", WAITS, { ...inRoot, publish: ["8000"] });
  await task.reset({ to: "seed", force: true });
  assert.deepEqual((await task.listServices()).services, []);
  await until("its port is closed", async () => (await task.listPorts()).ports.length === 0);
  assert.equal((await task.status()).runningCommands, 0);
});

test("services: refuses invalid conditions, ports and names, and unknown services", async (t) => {
  await using opened = await openTask(t);
  const { task } = opened;
  const invalid = { code: "INVALID_ARGUMENT" };
  for (const ready of ["http:80", "tcp:0", "tcp:99999", "udp:1", "log:", "http:1/a b"]) {
    await assert.rejects(task.startService("bad", WAITS, { ...inRoot, ready }), invalid, ready);
  }
  for (const publish of ["0", "70000", "1:2:3", "x"]) {
    await assert.rejects(task.startService("bad", WAITS, { ...inRoot, publish: [publish] }), invalid, publish);
  }
  await assert.rejects(task.startService("a b", WAITS, inRoot), invalid);
  for (const call of [task.statusService("none"), task.logsService("none"), task.stopService("none")]) {
    await assert.rejects(call, { code: "NOT_FOUND" });
  }
  assert.deepEqual((await task.listServices()).services, []);
});
