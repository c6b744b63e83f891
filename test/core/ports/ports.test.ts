import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { test, type TestContext } from "node:test";

import type { ErrorCode } from "../../../src/contract/errors.js";
import { until } from "../../client/scratch.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

const MiB = 1_048_576;

/** A task, whose guest's loopback is the host's: the agent is a plain process. */
async function openTask(t: TestContext) {
  const machines = new AgentMachines();
  const { daemon, pyro, cli, tasks } = await openTasks(temporaryDirectory(t), machines);
  const task = await pyro.createTask("debian:12");
  return {
    ...{ task, cli, tasks },
    async [Symbol.asyncDispose]() {
      await tasks.detachAll();
      await daemon[Symbol.asyncDispose]();
      await machines[Symbol.asyncDispose]();
    },
  };
}

/** A server in the guest; its port. */
async function serve(t: TestContext, onConnection: (socket: Socket) => void, host = "127.0.0.1"): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on("error", () => {}));
    onConnection(socket);
  });
  server.listen(0, host);
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

const refusedWith = (code: ErrorCode) => ({ code });

/** All bytes of a connection until it ends; throws when it is reset. */
async function exchange(port: number, sent: string | Buffer): Promise<Buffer> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.end(sent);
  return readAll(socket);
}

/** All bytes of the other end; leaves the socket open. */
async function readAll(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

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

test("ports: 2,000 abandoned connections leave nothing, and only a few hundred are open at once", async (t) => {
  await using opened = await openTask(t);
  let live = 0;
  let most = 0;
  const port = await serve(t, (socket) => {
    most = Math.max(most, (live += 1));
    socket.once("close", () => (live -= 1));
    const flood = () => socket.write(Buffer.alloc(65_536), (error) => !error && flood());
    flood();
  });
  const { hostPort } = await opened.task.publishPort(port);
  for (let round = 0; round < 4; round += 1) {
    const sockets = Array.from({ length: 500 }, () =>
      connect({ port: hostPort, host: "127.0.0.1" }).on("error", () => {}),
    );
    await Promise.all(
      sockets.map((socket) => Promise.race([once(socket, "data"), once(socket, "close")]).catch(() => {})),
    );
    for (const socket of sockets) socket.destroy();
  }
  await until("all connections in the guest are closed", () => live === 0);
  // The guest notices an end a moment later than the daemon.
  assert.ok(most < 2 * 256, `${most} connections at once`);
  const after = await serve(t, (socket) => socket.end("alive"));
  assert.equal((await exchange((await opened.task.publishPort(after)).hostPort, "")).toString(), "alive");
});

test("ports: a connection to a port without a server is reset, and works once there is one", async (t) => {
  await using opened = await openTask(t);
  const port = await serve(t, (socket) => socket.resetAndDestroy());
  const { hostPort } = await opened.task.publishPort(port);
  await assert.rejects(exchange(hostPort, "x"), { code: "ECONNRESET" });
  const { hostPort: unserved } = await opened.task.publishPort(1);
  await assert.rejects(exchange(unserved, "x"), { code: "ECONNRESET" });
});

test("ports: refuses ports that are taken or invalid, and closes published ones", async (t) => {
  await using opened = await openTask(t);
  const { task, cli } = opened;
  const taken = await serve(t, () => {});
  await assert.rejects(task.publishPort(8000, { hostPort: taken }), refusedWith("FAILED_PRECONDITION"));
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
