import assert from "node:assert/strict";
import { linkSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { TaskScratch } from "../faults/task-scratch.js";

const vmOf = (task: string) => task.replace("task-", "vm-");

class LinkScratch extends TaskScratch {
  socketOf(task: string, name: string): string {
    return join(this.client.home.runtime, vmOf(task), name);
  }

  /** Turns a task's record into one of a version that did not record the files of its sockets. */
  forgetSockets(task: string): void {
    const path = join(this.home, "tasks", task, "task.json");
    const record = JSON.parse(readFileSync(path, "utf8")) as { machine: Record<string, unknown> };
    delete record.machine["sockets"];
    writeFileSync(path, JSON.stringify(record));
  }
}

test("another VM's socket in place of a VM's own: the next daemon fails the task, and talks to no wrong VM", async () => {
  await using scratch = new LinkScratch();
  const [right, linked, hardLinked, monitored] = [
    await scratch.create(),
    await scratch.create(),
    await scratch.create(),
    await scratch.create(),
  ];
  assert.deepEqual(readdirSync(join(scratch.client.home.runtime, vmOf(right))).toSorted(), ["agent.sock", "qmp.sock"]);
  const mounts = readFileSync(`/proc/${scratch.qemuOfVm(vmOf(right))}/mountinfo`, "utf8");
  assert.doesNotMatch(mounts, new RegExp(`${vmOf(right)}[^\n]* /pyro/run`), "the jail sees no runtime directory");
  await scratch.killDaemon();
  // Two of an older version: an unchanged one, and one in which QEMU has put a link.
  for (const task of [right, linked]) scratch.forgetSockets(task);
  for (const [task, name, link] of [
    [linked, "agent.sock", symlinkSync],
    [hardLinked, "agent.sock", linkSync],
    [monitored, "qmp.sock", symlinkSync],
  ] as const) {
    rmSync(scratch.socketOf(task, name));
    link(scratch.socketOf(right, name), scratch.socketOf(task, name));
  }
  for (const task of [linked, hardLinked, monitored]) {
    const { state, state_reason } = await scratch.status(task);
    assert.equal(state, "failed");
    assert.ok(state_reason);
  }
  const { stdout, exit_code } = await scratch.execHere(right, "uname -n");
  assert.deepEqual([exit_code, stdout], [0, `${vmOf(right)}\n`]);
  assert.deepEqual(
    scratch
      .leftovers()
      .map((path) => path.split("/").at(-1))
      .toSorted(),
    ["agent.sock", "qmp.sock", vmOf(right), vmOf(right)].toSorted(),
  );
});
