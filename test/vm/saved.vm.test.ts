import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { until } from "../client/scratch.js";
import { TaskScratch } from "../faults/task-scratch.js";

const COUNTER = "n=0; while :; do n=$((n+1)); echo $n >/dev/shm/n.new; mv /dev/shm/n.new /dev/shm/n; sleep 0.05; done";
const SMALL = { mem_mib: 256 };

test("a saved environment: processes go on in its VMs, its files work without its memory, and reach another name as one file", async () => {
  await using scratch = new TaskScratch();
  const { client } = scratch;
  const run = (environment: string, command: string, fields = {}) =>
    client.call("vm.run", { environment, command, ...SMALL, ...fields });

  const task = await scratch.create();
  await scratch.execHere(task, "echo 1 >/root/state; echo 2 >note; chown 7:8 note");
  await client.call("task.exec", { task_id: task, command: COUNTER, background: true });
  const { saved, warnings } = await client.call("env.save", { source: task, name: "web:ready" });
  assert.deepEqual([saved?.memory, saved?.environment, saved?.task_id, warnings], [true, "debian:12", task, []]);
  await scratch.delete(task);

  const copy = await scratch.create({ environment: "web:ready" });
  const count = async () => Number((await scratch.execHere(copy, "cat /dev/shm/n")).stdout);
  const first = await count();
  await until("the counter counts on", async () => (await count()) > first);
  const { running_commands, state } = await scratch.status(copy);
  assert.deepEqual([running_commands, state], [1, "started"]);
  await scratch.delete(copy);

  const other = await scratch.failureHere("vm.run", { environment: "web:ready", command: "true", mem_mib: 512 });
  assert.deepEqual([other.code, other.details["reason"]], ["FAILED_PRECONDITION", "other_shape"]);
  const below = await scratch.failureHere("env.remove", { environment: "debian:12" });
  assert.deepEqual([below.code, below.details["needed_by"]], ["FAILED_PRECONDITION", ["web:ready"]]);

  await scratch.pyro(["daemon", "stop"]);
  pretendOtherQemu(join(scratch.home, "snapshots"));
  const changed = await scratch.failureHere("vm.run", { environment: "web:ready", command: "true", ...SMALL });
  assert.deepEqual([changed.code, changed.details["reason"]], ["FAILED_PRECONDITION", "qemu_changed"]);
  assert.match(changed.hint, /env save web:ready NAME --disk-only/);
  const unsynced = await client.call("env.save", { source: "web:ready", name: "web:files", disk_only: true });
  assert.deepEqual([unsynced.saved?.memory, unsynced.warnings.length], [false, 1]);
  const show = "cat /root/state note; stat -c %u:%g note; ls /dev/shm";
  assert.equal((await run("web:files", show)).stdout, "1\n2\n7:8\n");

  const output = join(scratch.directory, "web.tar");
  await client.call("env.export", { environment: "web:files", output });
  await client.call("env.import", { file: output, name: "web:again" });
  const again = await scratch.create({ environment: "web:again" });
  assert.equal((await scratch.execHere(again, show)).stdout, "1\n2\n7:8\n");
  const used = await scratch.failureHere("env.remove", { environment: "web:again" });
  assert.equal(used.code, "FAILED_PRECONDITION");
  await scratch.delete(again);
  for (const environment of ["web:ready", "web:files", "web:again"]) await client.call("env.remove", { environment });
  assert.deepEqual([readdirSync(join(scratch.home, "snapshots")), readdirSync(join(scratch.home, "saved"))], [[], []]);
});

/** Makes every snapshot name another QEMU. */
function pretendOtherQemu(snapshots: string): void {
  for (const name of readdirSync(snapshots)) {
    const path = join(snapshots, name, "snapshot.json");
    const record = JSON.parse(readFileSync(path, "utf8")) as { machine: { qemu: string } };
    record.machine.qemu = "1.0";
    writeFileSync(path, JSON.stringify(record));
  }
}
