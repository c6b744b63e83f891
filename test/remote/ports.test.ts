import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test, type TestContext } from "node:test";

import type { PyroError } from "../../src/contract/errors.js";
import type { OperationName } from "../../src/contract/operations.js";
import type { Place } from "../../src/client/transport/place.js";
import { FarPorts } from "../../src/client/transport/ports.js";
import { listenOnLoopback } from "../../src/host/loopback.js";
import { temporaryDirectory } from "../store/scratch.js";
import { makePlace } from "./far-place.js";

/** The published ports of tasks on the other machine. */
class Far {
  readonly place: Place;
  readonly tasks = new Map<string, Map<number, number>>();

  constructor(t: TestContext) {
    this.place = makePlace(temporaryDirectory(t));
  }

  readonly ask = async (name: OperationName, input: object): Promise<unknown> => {
    const { task_id, port } = input as { readonly task_id: string; readonly port: number };
    if (name === "task.port.close") this.portsOf(task_id).delete(port);
    return this.list(task_id);
  };

  portsOf(task: string): Map<number, number> {
    return this.tasks.get(task) ?? this.tasks.set(task, new Map()).get(task)!;
  }

  list(task_id: string) {
    const shown = (port: number, host_port: number) => ({ port, host_port, url: "", open: true });
    return { task_id, ports: [...this.portsOf(task_id)].map(([port, far]) => shown(port, far)) };
  }

  /** Performs an operation whose result is a list of ports. */
  async call(name: OperationName, input: { readonly task_id: string }, act = () => {}) {
    const ports = new FarPorts(this.place);
    await ports.prepare(name, input, this.ask);
    act();
    const shown = await ports.show(name, input, this.list(input.task_id), this.ask);
    return (shown as ReturnType<Far["list"]>).ports;
  }

  publish(task_id: string, port: number, { host_port, far }: { readonly host_port?: number; readonly far: number }) {
    const input = { task_id, port, ...(host_port !== undefined && { host_port }) };
    return this.call("task.port.publish", input, () => this.portsOf(task_id).set(port, far));
  }

  /** Where the ports of this machine lead. */
  forwards(): Record<string, string> {
    const names = readdirSync(this.place.control.replace(/\/c$/, "")).filter((name) => /^c\.\d+$/.test(name));
    return Object.fromEntries(names.map((name) => [name.slice(2), this.#read(name)]));
  }

  #read(name: string): string {
    return readFileSync(this.place.control.replace(/c$/, name), "utf8").trim();
  }
}

async function freePort(): Promise<number> {
  const listener = await listenOnLoopback(0, (socket) => socket.destroy());
  listener.close();
  return listener.port;
}

test("a service that has stopped leaves no forward, and the port of this machine can be had again", async (t) => {
  const far = new Far(t);
  const here = await freePort();
  const start = { task_id: "T", publish: [`${here}:80`] };
  const serve = (at: number) => () => void far.portsOf("T").set(80, at).set(81, 40_081);
  await far.call("task.service.start", start, serve(40_080));
  assert.equal(far.forwards()[here], "40080");
  await far.call("task.service.stop", { task_id: "T" }, () => void far.portsOf("T").delete(80));
  assert.equal(far.forwards()[here], undefined);
  assert.deepEqual(Object.values(far.forwards()), ["40081"]);
  await far.call("task.service.start", start, serve(40_090));
  assert.equal(far.forwards()[here], "40090");
});

test("a port that is published anew takes the forward that led to the earlier one", async (t) => {
  const far = new Far(t);
  const here = await freePort();
  await far.publish("T", 80, { host_port: here, far: 40_080 });
  far.portsOf("T").clear();
  await far.publish("T", 80, { host_port: here, far: 40_090 });
  assert.deepEqual(far.forwards(), { [here]: "40090" });
});

test("ports that a list or status no longer names are forgotten", async (t) => {
  for (const name of ["task.port.list", "task.status"] as const) {
    const far = new Far(t);
    await far.publish("T", 80, { far: 40_080 });
    await far.publish("U", 80, { far: 40_081 });
    far.portsOf("T").clear();
    await far.call(name, { task_id: "T" });
    assert.deepEqual(Object.values(far.forwards()), ["40081"], name);
  }
});

test("forwards that are made at once are all recorded", async (t) => {
  const far = new Far(t);
  const ports = [1, 2, 3, 4];
  for (const port of ports) far.portsOf("T").set(port, 40_000 + port);
  await Promise.all(["T", "U", "V"].map((task) => far.publish(task, 80, { far: 41_000 + task.charCodeAt(0) })));
  await far.call("task.service.start", { task_id: "T" });
  const records = JSON.parse(readFileSync(far.place.ports, "utf8")) as unknown[];
  assert.equal(records.length, ports.length + 3);
});

test("a host port of another task is refused before anything changes there", async (t) => {
  const far = new Far(t);
  await using listener = await listenOnLoopback(0, (socket) => socket.destroy()).then(({ port, close }) => ({
    port,
    [Symbol.asyncDispose]: async () => close(),
  }));
  const record = { task_id: "T", port: 80, far: 40_080, here: listener.port };
  writeFileSync(far.place.ports, JSON.stringify([record]));
  const asked = far.publish("U", 80, { host_port: listener.port, far: 40_081 });
  await assert.rejects(asked, (error: PyroError) => error.code === "FAILED_PRECONDITION");
  assert.equal(far.portsOf("U").size, 0);
});

test("where ssh forwards no ports, a new one is closed again, one that was there stays, and a list says that it is not open", async (t) => {
  const far = new Far(t);
  writeFileSync(`${far.place.control}.no`, "");
  far.portsOf("T").set(80, 40_080);
  assert.deepEqual(
    (await far.call("task.port.list", { task_id: "T" })).map(({ port, open }) => [port, open]),
    [[80, false]],
  );
  for (const port of [80, 81]) {
    const asked = far.publish("T", port, { far: 40_000 + port });
    await assert.rejects(asked, (error: PyroError) => error.code === "FAILED_PRECONDITION");
  }
  assert.deepEqual([...far.portsOf("T").keys()], [80]);
});

test("a forward that cannot be made again is not shown as open", async (t) => {
  const far = new Far(t);
  const [{ host_port } = { host_port: 0 }] = await far.publish("T", 80, { far: 40_080 });
  await far.publish("T", 81, { far: 40_081 });
  rmSync(`${far.place.control}.${host_port}`);
  writeFileSync(`${far.place.control}.no-${host_port}`, "");
  await new FarPorts(far.place).restore();
  assert.deepEqual(
    (await far.call("task.status", { task_id: "T" })).map(({ port, open }) => [port, open]),
    [
      [80, false],
      [81, true],
    ],
  );
  rmSync(far.place.control);
  await new FarPorts(far.place).restore();
  assert.ok(existsSync(far.place.ports));
  assert.equal((JSON.parse(readFileSync(far.place.ports, "utf8")) as unknown[]).length, 1);
});
