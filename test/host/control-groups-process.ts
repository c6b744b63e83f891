import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { ControlGroup, ControlGroups } from "../../src/host/control-groups.js";
import type { Log } from "../../src/host/log.js";

/**
 * Runs where control groups of version 2 are: in a guest, as test/host/control-groups.vm.test.ts starts it. Its arguments: pyro-join, and
 * what is expected: `limits`, or the reason why there are none.
 */
const [joinPath = "", expected = ""] = process.argv.slice(2);
const log = {
  info: () => {},
  warn: (facts: unknown) => assert.fail(String((facts as { err: unknown }).err)),
} as unknown as Log;
const open = () => ControlGroups.open({ homePath: "/home-of-the-test", joinPath, log });
const limits = { memoryMib: 64, processes: 16, cpuWeight: 200, endsWhole: true };

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    assert.ok(tries < 3_000, what);
    await sleep(10);
  }
}

class Scene {
  readonly groups = open();

  create(name: string): { group: ControlGroup; path: string } {
    const group = this.groups.create(name, limits);
    assert.ok(group);
    return { group, path: join(this.groups.path!, name) };
  }

  start(group: ControlGroup, script: string): ChildProcess {
    const [program = "", ...words] = this.groups.command(group, ["/bin/sh", "-c", script]);
    return spawn(program, words, { stdio: ["ignore", "pipe", "inherit"] });
  }
}

const valueOf = (path: string, file: string) => readFileSync(join(path, file), "utf8").trim();

async function checkLimits(scene: Scene): Promise<void> {
  const { group, path } = scene.create("vm-limits");
  const files = [
    "memory.max",
    "memory.oom.group",
    "pids.max",
    ...(existsSync(join(path, "cpu.weight")) ? ["cpu.weight"] : []),
  ];
  assert.deepEqual(
    files.map((file) => valueOf(path, file)),
    [String(64 * 1_048_576), "1", "16", "200"].slice(0, files.length),
  );
  const first = scene.start(group, "cat /proc/self/cgroup");
  const [seen] = (await once(first.stdout!, "data")) as [Buffer];
  assert.match(seen.toString(), /\/vm-limits$/m);
  assert.equal(group.explainOutOfMemory(), null);
  await group.remove();
  assert.ok(!existsSync(path));
}

async function checkMemory(scene: Scene): Promise<void> {
  const { group, path } = scene.create("vm-memory");
  // A process that waits beside the greedy one ends with it.
  const waiting = scene.start(group, "exec sleep 1000");
  await until("the first is in the group", () => valueOf(path, "cgroup.procs") === String(waiting.pid));
  const ended = once(waiting, "exit");
  scene.start(group, "head -c 200000000 /dev/zero | tail -n 1");
  assert.equal((await ended)[1], "SIGKILL");
  assert.match(valueOf(path, "memory.events"), /^oom_kill [1-9]/m);
  assert.match(group.explainOutOfMemory() ?? "", /more than the 64 MiB of host memory/);
  await group.remove();
  assert.ok(!existsSync(path));
}

async function checkMemoryAround(scene: Scene): Promise<void> {
  const valueAround = () => valueOf(scene.groups.path!, "memory.max");
  scene.groups.limitTogether(32);
  assert.equal(valueAround(), String(32 * 1_048_576));
  const { group } = scene.create("vm-memory-around");
  const [, signal] = (await once(scene.start(group, "head -c 200000000 /dev/zero | tail -n 1"), "exit")) as unknown[];
  assert.equal(signal, "SIGKILL");
  assert.match(group.explainOutOfMemory() ?? "", /the container around pyro, was out of memory/);
  await group.remove();
  scene.groups.limitTogether(null);
  assert.equal(valueAround(), "max");
}

async function checkProcesses(scene: Scene): Promise<void> {
  const { group, path } = scene.create("vm-processes");
  scene.start(group, "while :; do sleep 1000 & done");
  await until("no more processes can be made", () => /^max [1-9]/m.test(valueOf(path, "pids.events")));
  assert.ok(Number(valueOf(path, "pids.current")) <= 16);
  await group.remove();
  assert.ok(!existsSync(path));
}

async function checkSweep(scene: Scene): Promise<void> {
  const [left, kept] = [scene.create("vm-left"), scene.create("vm-kept")];
  const sleeper = scene.start(left.group, "exec sleep 1000");
  await until("it is in its group", () => ControlGroup.find(sleeper.pid!, "vm-left") !== null);
  assert.equal(ControlGroup.find(sleeper.pid!, "vm-other"), null);
  const ended = once(sleeper, "exit");
  await open().sweep((name) => name === "vm-left");
  await ended;
  assert.deepEqual([existsSync(left.path), existsSync(kept.path)], [false, true]);
  await kept.group.remove();
}

const scene = new Scene();
if (expected === "limits") {
  assert.equal(scene.groups.problem, null);
  for (const check of [checkLimits, checkMemory, checkMemoryAround, checkProcesses, checkSweep]) await check(scene);
} else {
  assert.match(scene.groups.problem ?? "", new RegExp(expected));
  assert.equal(scene.groups.create("vm-none", limits), null);
  assert.deepEqual(scene.groups.command(null, ["true"]), ["true"]);
}
writeFileSync(1, "as expected\n");
