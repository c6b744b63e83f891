import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { buffer } from "node:stream/consumers";
import { after, before, test } from "node:test";

import { PyroError } from "../../src/contract/errors.js";
import { taskOf } from "../task-of.js";
import { variableOf } from "./api-double.js";
import { Near } from "./near.js";

/** A program in the pod: answers each byte with its successor, and ends after a newline. */
let program: Server;
let far: number;
let near: Near;
const inputs: unknown[] = [];
let published: object[] = [];

before(async () => {
  program = createServer((socket) => {
    socket.on("data", (chunk: Buffer) => {
      if (chunk.at(-1) === 10) socket.end("bye");
      else socket.write(chunk.map((byte) => byte + 1));
    });
    socket.on("error", () => {});
  });
  program.listen(0, "127.0.0.1");
  await once(program, "listening");
  far = (program.address() as AddressInfo).port;
  near = await Near.open((pod) => (operation, input) => {
    const task_id = `task-${variableOf(pod, "PYRO_ID_PREFIX")}000000`;
    const port = { port: 80, host_port: far, url: `http://127.0.0.1:${far}`, open: true };
    inputs.push(input);
    switch (operation) {
      case "task.create":
        return taskOf({ task_id });
      case "task.port.publish":
        published = [port];
        return { task_id, ...port };
      case "task.service.start":
        published = [port];
        return { task_id, name: "web", ports: [port] };
      case "task.port.close":
        published = [];
        return { task_id, port: 80, closed: true };
      case "task.delete":
        return { task_id, deleted: true };
      case "task.list":
        return { tasks: [] };
      default:
        return { ...taskOf({ task_id }), ports: published };
    }
  });
});
after(async () => {
  await near[Symbol.asyncDispose]();
  program.close();
});

async function talk(port: number): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.write("a");
  await once(socket, "readable");
  socket.write("\n");
  return (await buffer(socket)).toString();
}

const isOpen = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });

test("a published port is one of this machine, in every result, until it is closed", async () => {
  const { task_id } = await near.client.call("task.create", { environment: "debian:12" });
  const given = await near.client.call("task.port.publish", { task_id, port: 80 });
  assert.notEqual(given.host_port, far);
  assert.equal(given.url, `http://127.0.0.1:${given.host_port}`);
  assert.equal(await talk(given.host_port), "bbye");
  const [listed] = (await near.client.call("task.port.list", { task_id })).ports;
  assert.equal(listed?.host_port, given.host_port);
  const [shown] = (await near.client.call("task.status", { task_id })).ports;
  assert.deepEqual([shown?.host_port, shown?.open], [given.host_port, true]);
  await near.client.call("task.port.close", { task_id, port: 80 });
  assert.equal(await isOpen(given.host_port), false);
  await near.client.call("task.delete", { task_id });
});

test("a port of this machine is chosen here, and one that is taken is refused before anything starts", async () => {
  const { task_id } = await near.client.call("task.create", { environment: "debian:12" });
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port: wanted } = free.address() as AddressInfo;
  const start = () =>
    near.client.call("task.service.start", { task_id, name: "web", command: "x", publish: [`${wanted}:80`] });
  const asked = inputs.length;
  const error = await start().then(
    () => assert.fail("no error"),
    (thrown: unknown) => PyroError.from(thrown),
  );
  assert.deepEqual([error.code, error.details["host_port"], inputs.length], ["FAILED_PRECONDITION", wanted, asked]);
  free.close();
  await once(free, "close");
  const { ports } = await start();
  assert.equal(ports[0]?.host_port, wanted);
  assert.deepEqual((inputs.at(-1) as { publish: string[] }).publish, ["80"]);
  assert.equal(await talk(wanted), "bbye");
  await near.client.call("task.delete", { task_id });
  assert.equal(await isOpen(wanted), false);
});

test("a connection to a port of a program that has ended is closed", async () => {
  const { task_id } = await near.client.call("task.create", { environment: "debian:12" });
  const { host_port } = await near.client.call("task.port.publish", { task_id, port: 80 });
  near.cluster.pods.clear();
  const socket = connect({ host: "127.0.0.1", port: host_port });
  socket.on("error", () => {});
  assert.equal((await buffer(socket).catch(() => Buffer.alloc(0))).length, 0);
  await assert.rejects(near.client.call("task.delete", { task_id }), { code: "NOT_FOUND" });
  assert.equal(await isOpen(host_port), false);
});
