import assert from "node:assert/strict";
import { test } from "node:test";

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
