import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";

import pino from "pino";

import type { TaskExec } from "../../../src/core/exec/task-exec.js";
import { Service, type ServiceHost } from "../../../src/core/services/service.js";
import { deferred } from "../../../src/guest/deferred.js";
import type { ServiceRecord } from "../../../src/store/service-record.js";

const FAILED: ServiceRecord = {
  ...{ name: "web", command: "serve", cwd: "/", env: {}, ready: null, ready_timeout_seconds: 60 },
  ...{ restart: "on-failure", ports: [], since: "2026-01-01T00:00:00.000Z", state: "waiting", reason: null },
  ...{ ready_at: null, restart_count: 0, early_failures: 1 },
};

/** A service whose restart has begun; its command starts when the test says so. */
function restart() {
  const run = deferred<TaskExec | null>();
  const over = deferred<void>();
  const ends: string[] = [];
  const host = {
    ...{ taskId: "task-0123456789ab", log: pino({ level: "silent" }), isDetached: () => opened.isDetached },
    ...{ runs: () => [], run: () => run.promise, machine: () => null, env: () => ({}) },
    ...{ user: () => null, stoppedMs: () => 0, save: async () => {}, closePorts: async () => {} },
  } satisfies ServiceHost;
  const end = (how: string) => {
    ends.push(how);
    over.resolve();
  };
  const exec = {
    ...{ done: over.promise, ended: null, isRunning: true, begun: async () => true },
    ...{ started: { started_at: new Date().toISOString() }, interrupt: end, kill: () => end("KILL") },
  } as unknown as TaskExec;
  const service = new Service(host, FAILED);
  const opened = { service, run, exec, ends, isDetached: false };
  service.resume();
  return opened;
}

test("services: one that is stopped while its command starts again stays stopped, and the command ends", async () => {
  const { service, run, exec, ends } = restart();
  await service.stop(0);
  run.resolve(exec);
  await settled();
  assert.deepEqual([service.record.state, service.record.restart_count, ends], ["stopped", 0, ["TERM"]]);
});

test("services: one that is stopped while its command fails to start stays stopped", async () => {
  const { service, run } = restart();
  await service.stop(0);
  run.reject(new Error("no room"));
  await settled();
  assert.equal(service.record.state, "stopped");
});

test("services: a command that starts while the daemon detaches runs on for the next daemon", async () => {
  const opened = restart();
  const { service, run, exec, ends } = opened;
  opened.isDetached = true;
  run.resolve(exec);
  await settled();
  assert.deepEqual([service.record.state, ends], ["waiting", []]);
});
