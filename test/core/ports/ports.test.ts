import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";

import type { ErrorCode } from "../../../src/contract/errors.js";
import { until } from "../../client/scratch.js";
import { exchange, openDescriptors, openTask, readAll, serve } from "./published-port.js";

const MiB = 1_048_576;
/** A time longer than the test takes. */
const IDLE_SECONDS = 600;

const refusedWith = (code: ErrorCode) => ({ code });

test("ports: bytes go both ways, and either end may end its direction first", async (t) => {
  await using opened = await openTask(t);
  const port = await serve(t, async (socket) => {
    socket.end(Buffer.concat([Buffer.from("got "), await readAll(socket)]));
  });
  const { url, hostPort, open } = await opened.task.publishPort(port);
  assert.equal(url, `http://127.0.0.1:${hostPort}`);
  assert.ok(open);
  assert.equal((await exchange(hostPort, "hello")).toString(), "got hello");
  const large = Buffer.alloc(8 * MiB, "ab12");
  assert.ok((await exchange(hostPort, large)).subarray(4).equals(large));
  assert.deepEqual((await opened.task.status()).ports, [{ port, hostPort, url, open: true }]);
  assert.deepEqual(await opened.task.publishPort(port), {
    taskId: opened.task.taskId,
    port,
    hostPort,
    url,
    open: true,
  });
});

test("ports: a server that has ended its direction still receives, and a client that has ended its own too", async (t) => {
  await using opened = await openTask(t);
  const received: string[] = [];
  const port = await serve(t, async (socket) => {
    socket.end("all I say");
    received.push((await readAll(socket)).toString());
  });
  const { hostPort } = await opened.task.publishPort(port);
  const client = connect({ port: hostPort, host: "127.0.0.1", allowHalfOpen: true });
  assert.equal((await readAll(client)).toString(), "all I say");
  client.write("after ");
  client.end("the end");
  await until("the server has it", () => received.length === 1);
  assert.deepEqual(received, ["after the end"]);

  const late = await serve(t, async (socket) => {
    await readAll(socket);
    socket.write("after ");
    socket.end("your end");
  });
  assert.equal((await exchange((await opened.task.publishPort(late)).hostPort, "")).toString(), "after your end");
});

test("ports: a server on ::1 alone is found too", async (t) => {
  await using opened = await openTask(t);
  const port = await serve(t, (socket) => socket.end("six"), "::1");
  const { hostPort } = await opened.task.publishPort(port);
  assert.equal((await exchange(hostPort, "")).toString(), "six");
});

test("ports: a client that does not read stops the server, and a client that leaves lets it continue", async (t) => {
  await using opened = await openTask(t);
  let written = 0;
  let isClosed = false;
  const port = await serve(t, (socket) => {
    socket.on("close", () => (isClosed = true));
    const write = () => {
      written += MiB;
      socket.write(Buffer.alloc(MiB), (error) => !error && write());
    };
    write();
  });
  const { hostPort } = await opened.task.publishPort(port);
  const socket = connect({ port: hostPort, host: "127.0.0.1" }).pause();
  await once(socket, "connect");
  const seen: number[] = [];
  await until("the server waits", () => seen.push(written) > 20 && written > 0 && seen.at(-20) === written);
  assert.ok(written < 64 * MiB, `the server wrote ${written / MiB} MiB`);
  socket.destroy();
  await until("the server's connection is closed", () => isClosed);
});

test("ports: a client that ends its direction and then resets leaves no descriptor, even if the server is silent", async (t) => {
  await using opened = await openTask(t);
  const kept: Socket[] = [];
  const port = await serve(t, (socket) => void kept.push(socket.pause()));
  const { hostPort } = await opened.task.publishPort(port);
  const before = openDescriptors();
  for (let count = 0; count < 20; count += 1) {
    const socket = connect({ port: hostPort, host: "127.0.0.1", allowHalfOpen: true });
    socket.write("x", () => socket.end(() => socket.resetAndDestroy()));
    await once(socket, "close");
  }
  await until("the server has all connections", () => kept.length === 20);
  // Its own ends are left.
  await until("nothing else is left", () => openDescriptors() <= before + 20);
});

test("ports: a server that ends its direction and then resets leaves no descriptor, even if the client is silent", async (t) => {
  await using opened = await openTask(t);
  const port = await serve(t, (socket) => void socket.end("x", () => setTimeout(() => socket.resetAndDestroy(), 50)));
  const { hostPort } = await opened.task.publishPort(port);
  const before = openDescriptors();
  const clients = Array.from({ length: 20 }, () => connect({ port: hostPort, host: "127.0.0.1", allowHalfOpen: true }));
  t.after(() => clients.forEach((client) => client.on("error", () => {}).destroy()));
  for (const client of clients) assert.equal((await readAll(client)).toString(), "x");
  // The clients' own ends are left.
  await until("nothing else is left", () => openDescriptors() <= before + 20);
});

test("ports: a connection to a port without a server is reset, and works once there is one", async (t) => {
  await using opened = await openTask(t);
  const port = await serve(t, (socket) => socket.resetAndDestroy());
  const { hostPort } = await opened.task.publishPort(port);
  await assert.rejects(exchange(hostPort, "x"), { code: "ECONNRESET" });
  const { hostPort: unserved } = await opened.task.publishPort(1);
  await assert.rejects(exchange(unserved, "x"), { code: "ECONNRESET" });
});

test("ports: a connection keeps an idle task from being stopped; a stopped task resets connections until it starts", async (t) => {
  await using opened = await openTask(t, { idleStopSeconds: IDLE_SECONDS });
  const { task, tasks } = opened;
  const stopIdle = () => tasks.idle.stopIdle(Date.now() + IDLE_SECONDS * 1_000);
  const port = await serve(t, (socket) => socket.pipe(socket));
  const { hostPort } = await task.publishPort(port);
  const socket = connect({ port: hostPort, host: "127.0.0.1" });
  socket.write("x");
  assert.equal(String((await once(socket, "data"))[0]), "x");
  socket.on("error", () => {});
  await stopIdle();
  assert.equal((await task.status()).state, "started");
  socket.destroy();
  await until("the task is stopped", async () => {
    await stopIdle();
    return (await task.status()).state === "stopped";
  });
  await until("its VM has ended", async () => (await task.listPorts()).ports[0]?.open === false);
  await assert.rejects(exchange(hostPort, "x"), { code: "ECONNRESET" });
  assert.equal((await task.status()).state, "stopped");
  await task.start();
  assert.equal(String(await exchange(hostPort, "again")), "again");
});

test("ports: refuses ports that are taken or invalid, and closes published ones", async (t) => {
  await using opened = await openTask(t);
  const { task, cli } = opened;
  const taken = await serve(t, () => {});
  await assert.rejects(task.publishPort(8000, { hostPort: taken }), refusedWith("FAILED_PRECONDITION"));
  const inUse = await cli("task", "port", "publish", task.taskId, "8000", "--host-port", String(taken));
  assert.notEqual(inUse.status, 0);
  assert.match(inUse.stderr, /another program listens on it/);
  assert.deepEqual((await task.listPorts()).ports, []);
  for (const port of [0, 65_536]) await assert.rejects(task.publishPort(port), refusedWith("INVALID_ARGUMENT"));
  await assert.rejects(task.closePort(8000), refusedWith("NOT_FOUND"));

  const published = await cli("task", "port", "publish", task.taskId, "8000");
  assert.match(published.stdout, /^http:\/\/127\.0\.0\.1:\d+\n$/);
  const hostPort = Number(published.stdout.trim().split(":").at(-1));
  await assert.rejects(task.publishPort(8000, { hostPort: taken }), refusedWith("ALREADY_EXISTS"));
  assert.equal((await cli("task", "port", "list", task.taskId)).stdout, `8000 http://127.0.0.1:${hostPort}\n`);
  assert.equal((await cli("task", "port", "close", task.taskId, "8000")).status, 0);
  await assert.rejects(exchange(hostPort, ""), { code: "ECONNREFUSED" });

  const { hostPort: last } = await task.publishPort(8000);
  const openPorts = async () => (await task.listPorts()).ports.filter(({ open }) => open).length;
  await task.stop();
  assert.equal(await openPorts(), 0);
  await task.start();
  assert.equal(await openPorts(), 1);
  await task.delete();
  await assert.rejects(exchange(last, ""), { code: "ECONNREFUSED" });
});
