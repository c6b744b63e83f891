import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test, type TestContext } from "node:test";

import { Client } from "../../src/client/client.js";
import type { IncomingMessage, ServerResponse } from "../../src/host/http.js";
import { serveUnix } from "../../src/host/http-server.js";
import { Scratch } from "./scratch.js";

type Respond = (request: IncomingMessage, response: ServerResponse) => void;

/** A daemon that, for its clients, dies in the middle of its first answers. Counts its requests. */
async function serveDying(context: TestContext, deaths: number, die: Respond) {
  const scratch = new Scratch();
  const client = new Client({ ...process.env, ...scratch.env });
  const asked = { count: 0 };
  const server = await serveUnix(client.home.daemonSocket, (request, response) => {
    asked.count += 1;
    if (asked.count <= deaths) return die(request, response);
    response.setHeader("content-type", "application/json");
    response.end(`${JSON.stringify({ tasks: [] })}\n`);
  });
  context.after(async () => {
    server.close();
    server.closeAllConnections();
    await scratch[Symbol.asyncDispose]();
  });
  return { client, asked };
}

const atOnce: Respond = (request) => void request.socket.destroy();
const midway: Respond = (request, response) => {
  response.setHeader("content-type", "application/json");
  response.setHeader("content-length", "1000");
  response.write('{"tasks": [');
  setImmediate(() => request.socket.destroy());
};

for (const [when, die] of [
  ["before its answer", atOnce],
  ["in the midst of its answer", midway],
] as const) {
  test(`a read-only call is repeated when the daemon dies ${when}`, async (t) => {
    const { client, asked } = await serveDying(t, 2, die);
    assert.deepEqual(await client.call("task.list", {}), { tasks: [] });
    assert.equal(asked.count, 3);
  });
}

test("a call that changes something is sent once", async (t) => {
  const { client, asked } = await serveDying(t, 1, atOnce);
  const task_id = "task-0123456789ab";
  await assert.rejects(client.call("task.delete", { task_id }), { code: "DAEMON_UNREACHABLE" });
  assert.equal(asked.count, 1);
});

test("a daemon that never answers: the call fails in the end", async (t) => {
  const { client } = await serveDying(t, Infinity, atOnce);
  await assert.rejects(client.call("task.list", {}), { code: "DAEMON_UNREACHABLE" });
});

/** A daemon that dies with a connection that it has not accepted yet. */
const DIES_BEFORE_ACCEPT = `
import select, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print("ready", flush=True)
select.select([listener], [], [])
listener.close()
`;

test("a connection that a dying daemon did not accept: another daemon is started and gets the call", async () => {
  await using scratch = new Scratch();
  const client = new Client({ ...process.env, ...scratch.env });
  const dying = spawn("python3", ["-c", DIES_BEFORE_ACCEPT, client.home.daemonSocket]);
  await once(dying.stdout, "data");
  // This blocks the process, so it looks at its connection only after the other end is gone.
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const hold = () => void Atomics.wait(cell, 0, 0, 100);
  const holding = setInterval(() => setImmediate(hold), 1);
  setTimeout(() => clearInterval(holding), 1_000);
  assert.deepEqual((await client.call("task.list", {})).tasks, []);
});
