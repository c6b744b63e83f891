import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { request as httpRequest, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { CallOptions } from "../../../src/client/client.js";
import { PyroError } from "../../../src/contract/errors.js";
import type { OperationName } from "../../../src/contract/operations.js";
import { LineProgram } from "../../../src/doors/e2b/line-program.js";
import type { Pyro } from "../../../src/doors/e2b/pyro.js";
import { replaceFile } from "../../../src/doors/e2b/replace-file.js";
import { until } from "../../client/scratch.js";
import { envelope, Served } from "./served.js";

let served: Served;
beforeEach(async () => void (served = await Served.open()));
afterEach(() => served[Symbol.asyncDispose]());

/** Lets the calls of one operation fail. */
function fail(name: OperationName, times = Infinity): void {
  let left = times;
  served.pyro.before = (called) => {
    if (called === name && (left -= 1) >= 0) throw new PyroError("DISK_FULL", "The disk is full.");
  };
}

/** Holds the calls of one operation: when the first is held, and what lets them go. */
function hold(name: OperationName) {
  let [onHeld, release] = [() => {}, () => {}];
  const held = new Promise<void>((resolve) => (onHeld = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  served.pyro.before = (called) => {
    if (called !== name) return;
    onHeld();
    return released;
  };
  return { held, release };
}

const savedFiles = () => served.pyro.environments.filter((name) => name.startsWith("e2b-paused-"));

test("a pause that fails: the output of processes is still read, and the pause is not retried at once", async () => {
  const sandbox = await served.create({ autoPause: true });
  const started = sandbox.run("exec sleep 100").catch(() => {});
  let pid: number | undefined;
  while (pid === undefined) {
    await sleep(10);
    pid = (await sandbox.call("process.Process/List")).body.processes[0]?.pid;
  }
  fail("task.stop");
  served.sandboxes.setEnd(served.sandboxes.find(sandbox.id), Date.now());
  while (served.log.length === 0) await sleep(10);
  await started;
  const connected = sandbox.stream("process.Process/Connect", { process: { pid } });
  await sandbox.call("process.Process/SendSignal", { process: { pid }, signal: "SIGNAL_SIGKILL" });
  assert.equal((await connected).messages.at(-1).event.end.status, "signal: killed");
  assert.equal(served.pyro.inputsOf("task.stop").length, 1);
});

test("a sandbox that is being paused: is shown as paused, and as running again when the pause fails", async () => {
  const sandbox = await served.create();
  const { held, release } = hold("task.stop");
  const paused = served.control("POST", `/sandboxes/${sandbox.id}/pause`);
  await held;
  const states = async () => {
    const [detail, running] = [`/sandboxes/${sandbox.id}`, "/v2/sandboxes?state=running"];
    return [(await served.control("GET", detail)).body.state, (await served.control("GET", running)).body.length];
  };
  assert.deepEqual(await states(), ["paused", 0]);
  served.pyro.replaced.set("task.stop", async () => {
    throw new PyroError("DISK_FULL", "The disk is full.");
  });
  release();
  assert.equal((await paused).status, 503);
  assert.deepEqual(await states(), ["running", 1]);
});

test("a kill during a pause without memory: leaves neither a task nor saved files", async () => {
  const sandbox = await served.create();
  let [onHeld, release] = [() => {}, () => {}];
  const held = new Promise<void>((resolve) => (onHeld = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  served.pyro.replaced.set("env.save", async ({ name }: { name: string }) => {
    served.pyro.environments.push(name);
    onHeld();
    await released;
  });
  const paused = served.control("POST", `/sandboxes/${sandbox.id}/pause`, { memory: false });
  await held;
  assert.equal((await served.control("DELETE", `/sandboxes/${sandbox.id}`)).status, 204);
  release();
  assert.equal((await paused).status, 404);
  assert.deepEqual(savedFiles(), []);
  assert.equal(served.pyro.tasks.size, 0);
});

test("a kill while a sandbox boots from its files: leaves neither its task nor its files", async () => {
  const sandbox = await served.create();
  const post = (route: string, body: object) => served.control("POST", `/sandboxes/${sandbox.id}/${route}`, body);
  assert.equal((await post("pause", { memory: false })).status, 204);
  const { held, release } = hold("task.create");
  const connected = post("connect", { timeout: 60 });
  await held;
  const killed = served.control("DELETE", `/sandboxes/${sandbox.id}`);
  await until(
    "the sandbox is gone",
    async () => (await served.control("GET", `/sandboxes/${sandbox.id}`)).status === 404,
  );
  release();
  assert.deepEqual([(await killed).status, (await connected).status], [204, 404]);
  assert.deepEqual([savedFiles(), served.pyro.tasks.size], [[], 0]);
  assert.deepEqual(served.log, []);
});

test("a kill right after the last byte of a file: its answer arrives on the same connection", async () => {
  const sandbox = await served.create();
  const path = join(served.directory, "file");
  writeFileSync(path, "content");
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  served.pyro.replaced.set("task.file.fetch", async (_input: never, { onEvent }: CallOptions) => {
    await onEvent?.({ event: "stdout", data: Buffer.from("content") });
    await released;
  });
  const socket = connect(served.port, "127.0.0.1");
  let received = "";
  socket.on("data", (text) => (received += String(text)));
  const lines = (headers: Readonly<Record<string, string>>) =>
    Object.entries({ host: "localhost", ...headers })
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join("");
  socket.write(`GET /files?path=${path} HTTP/1.1\r\n${lines(sandbox.headers)}\r\n`);
  while (!received.endsWith("content")) await sleep(5);
  const ended = once(socket, "close");
  socket.write(`DELETE /sandboxes/${sandbox.id} HTTP/1.1\r\n${lines({ "x-api-key": served.key })}\r\n`);
  await Promise.race([ended, until("the second answer has arrived", () => received.includes("HTTP/1.1 204"))]);
  assert.match(received, /HTTP\/1\.1 204/);
  release();
  socket.destroy();
});

test("a file that becomes shorter while it is sent: its connection is cut", async () => {
  const sandbox = await served.create();
  const path = join(served.directory, "file");
  writeFileSync(path, "content");
  served.pyro.replaced.set("task.file.fetch", async (_input: never, { onEvent }: CallOptions) => {
    await onEvent?.({ event: "stdout", data: Buffer.from("con") });
  });
  await assert.rejects(sandbox.ask("GET", `/files?path=${path}`));
  served.pyro.replaced.clear();
  assert.equal((await sandbox.ask("GET", `/files?path=${path}`)).bytes.toString(), "content");
});

test("a request during a pause: waits for its end, and does not start the task again", async () => {
  const sandbox = await served.create();
  assert.equal((await sandbox.call("filesystem.Filesystem/Stat", { path: "/" })).status, 200);
  const { held, release } = hold("task.stop");
  const paused = served.control("POST", `/sandboxes/${sandbox.id}/pause`);
  await held;
  const asked = sandbox.call("filesystem.Filesystem/Stat", { path: "/" });
  const measured = served.control("GET", `/sandboxes/${sandbox.id}/metrics`);
  await served.control("GET", "/sandboxes");
  release();
  assert.equal((await paused).status, 204);
  assert.equal((await asked).status, 502);
  assert.deepEqual((await measured).body, []);
  const { guest } = served.sandboxes.find(sandbox.id);
  await assert.rejects(guest.ask("stat", { path: "/" }), { status: 502 });
  assert.equal(served.pyro.calls.at(-1)?.name, "task.stop");
  assert.equal((await served.control("POST", `/v2/sandboxes/${sandbox.id}/connect`, {})).status, 201);
  assert.equal((await sandbox.call("filesystem.Filesystem/Stat", { path: "/" })).status, 200);
});

test("a kill that fails: the sandbox is gone, and a second one ends its task", async () => {
  const { id } = await served.create();
  fail("task.delete", 1);
  assert.equal((await served.control("DELETE", `/sandboxes/${id}`)).status, 503);
  assert.equal((await served.control("GET", `/sandboxes/${id}`)).status, 404);
  assert.equal((await served.control("DELETE", `/sandboxes/${id}`)).status, 204);
  assert.equal((await served.control("DELETE", `/sandboxes/${id}`)).status, 404);
  assert.equal(served.pyro.tasks.size, 0);
  assert.deepEqual(readdirSync(served.home.sandboxes), []);
});

test("create and fork: leave no task when the record of a sandbox cannot be written", async () => {
  const { id } = await served.create();
  rmSync(served.home.sandboxes, { recursive: true });
  assert.equal((await served.control("POST", "/v2/sandboxes", { templateID: "base" })).status, 500);
  assert.equal((await served.control("POST", `/sandboxes/${id}/fork`, { count: 2 })).status, 500);
  assert.equal(served.pyro.tasks.size, 1);
  assert.deepEqual(
    (await served.control("GET", "/sandboxes")).body.map(({ sandboxID }: any) => sandboxID),
    [id],
  );
});

test(
  "upload: a refused one is read to its end, for clients that write first and then read",
  { timeout: 60_000 },
  async () => {
    const sandbox = await served.create();
    const length = 20_000_000;
    const headers = { ...sandbox.headers, host: "localhost", "content-type": "application/octet-stream" };
    const lines = Object.entries({ ...headers, "content-length": length }).map(([name, value]) => `${name}: ${value}`);
    const socket = connect(served.port, "127.0.0.1").on("error", () => {});
    let text = "";
    socket.on("data", (bytes: Buffer) => void (text += bytes.toString()));
    const ended = once(socket, "close");
    socket.write(`POST /files?path=/tmp HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    await Promise.race([new Promise((resolve) => socket.write(Buffer.alloc(length), resolve)), ended]);
    socket.end();
    await ended;
    assert.match(text, /^HTTP\/1\.1 400 /);
  },
);

test("watch: one whose client left before it began is ended", { timeout: 60_000 }, async () => {
  const handle = await served.create();
  const sandbox = served.sandboxes.find(handle.id);
  const headers = { ...handle.headers, "content-type": "application/connect+json" };
  const path = "/filesystem.Filesystem/WatchDir";
  const client = httpRequest({ port: served.port, host: "127.0.0.1", method: "POST", path, headers, agent: false });
  client.on("error", () => {});
  let response: ServerResponse | undefined;
  sandbox.keepStream = (kept) => void (response = kept);
  const watch = sandbox.guest.watch.bind(sandbox.guest);
  const ended = new Promise<void>((resolve) => {
    sandbox.guest.watch = async (fields, onEvent) => {
      const end = await watch(fields, onEvent);
      client.destroy();
      if (response && !response.destroyed) await once(response, "close");
      return () => end().then(resolve);
    };
  });
  client.end(envelope({ path: "/tmp" }));
  await ended;
});

test("a program's answer: one that is too long is refused, and the next one is read", async () => {
  const text = "x".repeat(1_048_576);
  const perform: Pyro["perform"] = async (_name, _input, { stdin, onEvent } = {}) => {
    for await (const bytes of stdin ?? []) {
      const { id, lines } = JSON.parse(Buffer.from(bytes).toString());
      for (let at = 0; at < lines; at += 1) {
        await onEvent?.({ event: "stdout", data: Buffer.from(`${JSON.stringify({ id, text })}\n`) });
      }
      await onEvent?.({ event: "stdout", data: Buffer.from(`${JSON.stringify({ id, done: true })}\n`) });
    }
    return {} as never;
  };
  const program = new LineProgram(
    { perform },
    { record: { taskId: "task" } },
    { files: [], command: ["program"], user: "root" },
  );
  await assert.rejects(program.ask("list", { lines: 65 }), { code: "EMSGSIZE" });
  assert.equal((await program.ask("list", { lines: 2 })).length, 2);
  await program.close();
});

test("a record that cannot be replaced: leaves no draft", () => {
  const path = join(served.directory, "record.json");
  mkdirSync(path);
  assert.throws(() => replaceFile(path, "{}"));
  assert.deepEqual(
    readdirSync(served.directory).filter((name) => name.endsWith(".tmp")),
    [],
  );
});
