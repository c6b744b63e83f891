import assert from "node:assert/strict";
import { readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { mountingTest } from "../client/mounting-test.js";
import { until } from "../client/scratch.js";
import { TaskScratch } from "../faults/task-scratch.js";

test("limits on all VMs together refuse the next VM, hold for adopted ones, and are shown", async (t) => {
  await using scratch = new TaskScratch({
    env: { PYRO_MAX_VMS: "3", PYRO_MAX_MEMORY: "2000", PYRO_MAX_DISK: "25000" },
  });
  const { client } = scratch;
  const status = () => client.call("daemon.status", {});
  const refusal = async (fields: { mem_mib?: number; disk_mib?: number }) => {
    const error = await scratch.failureHere("task.create", { environment: "debian:12", mem_mib: 256, ...fields });
    return [error.code, error.details["reason"], error.details["variable"]];
  };
  const limit = (name: string) => ["RESOURCE_EXHAUSTED", "limit", `PYRO_MAX_${name}`];

  const first = await scratch.create();
  await t.test("disk: the sum of what VMs may write is bounded", async () => {
    assert.deepEqual(await refusal({ disk_mib: 15_000 }), limit("DISK"));
  });
  await t.test("memory: the sum of what VMs may take is bounded", async () => {
    assert.deepEqual(await refusal({ mem_mib: 1_024 }), limit("MEMORY"));
  });

  const second = await scratch.create();
  await t.test("the status shows the limits and what is taken", async () => {
    const { limits, disk_reserved_mib, disk_kept_mib, vms } = await status();
    assert.deepEqual(limits, { memory_mib: 2_000, disk_mib: 25_000, vms: 3 });
    assert.deepEqual([vms, disk_reserved_mib], [2, 20_480]);
    assert.equal(typeof disk_kept_mib, "number");
    const { stdout } = await scratch.pyro(["daemon", "status"]);
    assert.match(stdout, /^Limit: 3 VMs$/m);
    assert.match(stdout, /^Limit: 25000 MiB of disk, 20480 MiB for VMs and \d+ MiB kept$/m);
  });

  await t.test("a VM that the next daemon adopts counts", async () => {
    await scratch.killDaemon();
    assert.equal((await scratch.execHere(first, "echo alive")).stdout, "alive\n");
    assert.deepEqual(
      [(await status()).disk_reserved_mib, await refusal({ disk_mib: 15_000 })],
      [20_480, limit("DISK")],
    );
  });

  await t.test("fork: the error has the number that there is room for", async () => {
    const error = await scratch.failureHere("task.fork", { task_id: first, count: 5 });
    assert.deepEqual([error.code, error.details["possible"]], ["RESOURCE_EXHAUSTED", 0]);
  });

  await t.test("a VM whose QEMU was killed, or whose task was deleted, makes room", async () => {
    process.kill(scratch.qemuOf(second), "SIGKILL");
    await until("the end of the VM is noticed", async () => (await scratch.status(second)).state === "failed");
    await scratch.delete(first);
    const third = await scratch.create();
    assert.equal((await status()).disk_reserved_mib, 10_240);
    await scratch.delete(third);
  });
});

test("a helper that has read the files of a dead task makes room for the next VM", async () => {
  await using scratch = new TaskScratch({ env: { PYRO_MAX_VMS: "1" } });
  const task = await scratch.create();
  await scratch.execHere(task, "echo kept >file; sync");
  process.kill(scratch.qemuOf(task), "SIGKILL");
  await until("the end of the VM is noticed", async () => (await scratch.status(task)).state === "failed");
  const read = () => scratch.client.call("task.file.read", { task_id: task, path: "file" });
  assert.equal((await read()).content, "kept\n");
  const next = await scratch.create();
  const error = await scratch.failureHere("task.file.read", { task_id: task, path: "file" });
  assert.deepEqual([error.code, error.details["variable"]], ["RESOURCE_EXHAUSTED", "PYRO_MAX_VMS"]);
  await scratch.delete(next);
  assert.equal((await read()).content, "kept\n");
});

mountingTest(
  import.meta.url,
  "a guest that fills its disk and its memory takes no more of the host than was promised for it, and with limits the host's disk keeps room",
  async () => {
    const [wholeMib, diskMib] = [400, 256];
    await using scratch = new TaskScratch({
      smallDisk: { directory: "vms", size: `${wholeMib}m` },
      env: { PYRO_MAX_DISK: "300" },
    });
    const greedy = await scratch.create({ disk_mib: diskMib });
    const refused = await scratch.failureHere("task.create", {
      environment: "debian:12",
      mem_mib: 256,
      disk_mib: diskMib,
    });
    assert.deepEqual([refused.code, refused.details["variable"]], ["RESOURCE_EXHAUSTED", "PYRO_MAX_DISK"]);
    const filled = await scratch.execHere(greedy, "dd if=/dev/zero of=filler bs=1M; status=$?; sync; exit $status");
    assert.equal(filled.exit_code, 1);
    assert.match(filled.stderr, /No space left on device/);
    const { bsize, bavail } = statfsSync(join(scratch.home, "vms"));
    const takenMib = wholeMib - (bsize * bavail) / 1_048_576;
    // The guest's file system keeps some blocks for itself, and the VM has two small files beside its disk.
    assert.ok(takenMib > diskMib / 2 && takenMib < diskMib + 4, `${takenMib} MiB of disk`);
    const hog = await scratch.execHere(greedy, "rm filler; tail /dev/zero");
    assert.equal(hog.oom_killed, true);
    const { memory_reserved_mib, state_reason } = await scratch.status(greedy);
    const peakKib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${scratch.qemuOf(greedy)}/status`, "utf8"))![1];
    assert.ok(
      Number(peakKib) / 1_024 > 200 && Number(peakKib) / 1_024 <= memory_reserved_mib!,
      `${peakKib} KiB of memory`,
    );
    assert.equal(state_reason, null);
    assert.equal((await scratch.execHere(greedy, "echo alive")).stdout, "alive\n");
  },
);
