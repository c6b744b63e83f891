import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";

import { until } from "../../client/scratch.js";
import { exchange, openDescriptors, openTask, serve } from "./published-port.js";

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

test("ports: connections that flood, half-close and are abandoned in every way leave no descriptor", async (t) => {
  await using opened = await openTask(t);
  let live = 0;
  const port = await serve(t, (socket) => {
    live += 1;
    socket.once("close", () => (live -= 1));
    const way = live % 4;
    if (way === 0) socket.end();
    else if (way === 1) socket.resetAndDestroy();
    else if (way === 2) socket.end(Buffer.alloc(400_000));
    else socket.write(Buffer.alloc(400_000));
    // A server that closes what its client has ended.
    socket.once("end", () => socket.destroy());
    if (way % 2 === 0) socket.resume();
  });
  const { hostPort } = await opened.task.publishPort(port);
  const before = openDescriptors();
  for (let round = 0; round < 5; round += 1) {
    const sockets = Array.from({ length: 60 }, () =>
      connect({ port: hostPort, host: "127.0.0.1", allowHalfOpen: true }).on("error", () => {}),
    );
    await Promise.all(sockets.map((socket) => once(socket, "connect").catch(() => {})));
    for (const [index, socket] of sockets.entries()) {
      if (index % 3 === 0) socket.write("x", () => socket.resetAndDestroy());
      else if (index % 3 === 1) socket.end("x", () => socket.destroy());
      else socket.destroy();
    }
  }
  await until("every connection is closed, and no descriptor is left", () => live === 0 && openDescriptors() <= before);
  assert.equal((await opened.task.exec("true", { cwd: "/" })).exitCode, 0);
});
