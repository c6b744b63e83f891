import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { IsolationLevel } from "../../src/contract/isolation-levels.js";
import { PyroError } from "../../src/contract/errors.js";

import { TaskScratch } from "../faults/task-scratch.js";

interface Doctor {
  readonly isolation: {
    readonly level: string;
    readonly required: string | null;
    readonly missing: { piece: string }[];
  };
}

test("a call that requires more isolation than this host gives is refused with the missing pieces; others work", async (t) => {
  await using scratch = new TaskScratch();
  const { isolation } = await scratch.json<Doctor>("doctor");
  const pieces = isolation.missing.map(({ piece }) => piece);
  // No limits on all VMs together are set here.
  assert.ok(pieces.includes("total_limits"));
  assert.deepEqual([isolation.level, isolation.required], ["jailed", null]);

  await t.test("a task and a run that require strict are refused", async () => {
    for (const words of [
      ["task", "create", "debian:12"],
      ["run", "debian:12", "--", "true"],
    ]) {
      const flag = ["--require-isolation", "strict"];
      const error = await scratch.failure(...words.slice(0, 2), ...flag, ...words.slice(2));
      assert.deepEqual([error.status, error.code], [125, "HOST_NOT_ABLE"]);
      assert.deepEqual([error.details["reason"], error.details["missing"]], ["isolation", pieces]);
    }
    assert.deepEqual(scratch.taskIds(), []);
  });

  await t.test("a VM that is made step by step remembers its requirement, and does not start", async () => {
    const vm = await scratch.client.call("vm.create", { environment: "debian:12", require_isolation: "strict" });
    const { code } = await scratch.failureHere("vm.start", { vm_id: vm.vm_id });
    assert.equal(code, "HOST_NOT_ABLE");
    await scratch.client.call("vm.delete", { vm_id: vm.vm_id });
  });

  await t.test("a run that requires jailed works", async () => {
    const { status } = await scratch.pyro(["run", "debian:12", "--require-isolation", "jailed", "--", "true"]);
    assert.equal(status, 0);
  });

  await t.test(
    "a daemon that requires jailed starts, one that requires strict does not, and a running one is not changed",
    async () => {
      const refused = await scratch.failure("daemon", "start", "--require-isolation", "jailed");
      assert.equal(refused.code, "FAILED_PRECONDITION");
      await scratch.pyro(["daemon", "stop"]);
      const failed = await scratch.failure("daemon", "start", "--require-isolation", "strict");
      assert.deepEqual([failed.code, failed.details["missing"]], ["HOST_NOT_ABLE", pieces]);
      const { status, stderr } = await scratch.pyro(["daemon", "start", "--require-isolation", "jailed"]);
      assert.equal(status, 0, stderr);
      assert.equal((await scratch.json<Doctor>("doctor")).isolation.required, "jailed");
      assert.equal((await scratch.pyro(["run", "debian:12", "--", "true"])).status, 0);
    },
  );
});

/** Has the record of a task require a level, as if it had been created on a host that gave it. Ends the daemon; its VM stays. */
async function changeRequirement(scratch: TaskScratch, task: string, level: IsolationLevel): Promise<void> {
  assert.equal((await scratch.pyro(["daemon", "stop"])).status, 0);
  const path = join(scratch.taskPath(task), "task.json");
  const record = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...record, require_isolation: level }));
}

test("a task keeps its required isolation: on a host that gives less, nothing of it starts again, and nothing is lost", async (t) => {
  await using scratch = new TaskScratch();
  const { client } = scratch;
  const task = await scratch.create({ require_isolation: "jailed" });
  assert.equal((await scratch.status(task)).require_isolation, "jailed");
  await scratch.execHere(task, "echo kept >kept; sync");
  const { snapshot_id: snapshot } = await client.call("task.snapshot.create", { task_id: task });
  const expectRefused = async (calls: Readonly<Record<string, () => Promise<unknown>>>) => {
    for (const [what, call] of Object.entries(calls)) {
      const error = await call().catch((reason: unknown) => reason);
      assert.ok(error instanceof PyroError, `not refused: ${what}`);
      const { required, level } = error.details;
      assert.deepEqual([error.code, required, level], ["HOST_NOT_ABLE", "strict", "jailed"], what);
    }
  };
  const branches = {
    fork: () => client.call("task.fork", { task_id: task }),
    "reset to the seed": () => client.call("task.reset", { task_id: task }),
    "reset to a snapshot": () => client.call("task.reset", { task_id: task, to: snapshot }),
  };

  await t.test("a VM that runs is adopted and works; forks and resets are refused, and change nothing", async () => {
    await changeRequirement(scratch, task, "strict");
    const qemu = scratch.qemuOf(task);
    await expectRefused(branches);
    assert.equal((await scratch.execHere(task, "cat kept")).stdout, "kept\n");
    assert.equal(scratch.qemuOf(task), qemu);
  });

  await t.test("a stopped task stays stopped, and its disk is not read", async () => {
    await client.call("task.stop", { task_id: task });
    await expectRefused({
      ...branches,
      start: () => client.call("task.start", { task_id: task }),
      exec: () => scratch.execHere(task, "true"),
      read: () => client.call("task.file.list", { task_id: task, path: "/workspace" }),
    });
    assert.equal((await scratch.status(task)).state, "stopped");
  });

  await t.test("where the host gives enough again, it continues, and so does its fork", async () => {
    await changeRequirement(scratch, task, "jailed");
    assert.equal((await scratch.execHere(task, "cat kept")).stdout, "kept\n");
    const { tasks } = await client.call("task.fork", { task_id: task });
    assert.equal(tasks[0]?.require_isolation, "jailed");
  });
});
