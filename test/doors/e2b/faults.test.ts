import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../../src/contract/errors.js";
import type { OperationName } from "../../../src/contract/operations.js";
import { Served } from "./served.js";

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

test("a pause that fails: processes are read on, and its end is not tried again at once", async () => {
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
