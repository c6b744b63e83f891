import assert from "node:assert/strict";

import type { ArgumentsOf } from "../../src/contract/operations.js";
import { until } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";
import { COUNTER } from "./kills.js";

type Shape = Partial<ArgumentsOf<"task.create">>;

/** Other VMs than the usual one. */
const SHAPES: Readonly<Record<string, Shape>> = {
  "2 processors, 512 MiB, a network": { vcpu_count: 2, mem_mib: 512, network: true },
  "384 MiB": { mem_mib: 384 },
};
const ADDRESSES = "cat /sys/class/net/eth0/address; hostname -I";

/** Each operation on branches with VMs of several shapes, which a second daemon has adopted. */
export async function branchShapes(scratch: TaskScratch, say: (line: string) => void): Promise<void> {
  for (const [name, shape] of Object.entries(SHAPES)) {
    const started = performance.now();
    await branch(scratch, shape);
    say(`${name}: all operations, adopted by another daemon, ${((performance.now() - started) / 1_000).toFixed(1)} s`);
  }
}

async function branch(scratch: TaskScratch, shape: Shape): Promise<void> {
  const { client } = scratch;
  const task = await scratch.create(shape);
  const print = async (id: string, script: string) => {
    const { stdout, exit_code, stderr } = await scratch.execHere(id, script, {}, 120);
    assert.equal(exit_code, 0, stderr);
    return stdout.trim();
  };
  const assertRuns = async (id: string) => {
    const first = Number(await print(id, "cat /dev/shm/n"));
    await until("the counter counts on", async () => Number(await print(id, "cat /dev/shm/n")) > first, 60);
    assert.equal(await print(id, "nproc"), String(shape.vcpu_count ?? 1));
    const memoryMib = Number(await print(id, "awk '/MemTotal/ {print int($2 / 1024)}' /proc/meminfo"));
    assert.ok(memoryMib > (shape.mem_mib ?? 0) * 0.7 && memoryMib <= (shape.mem_mib ?? 0), `${memoryMib} MiB`);
    return shape.network ? print(id, ADDRESSES) : "";
  };
  await client.call("task.exec", { task_id: task, command: COUNTER, background: true });
  await print(task, "echo kept >kept");
  await scratch.killDaemon();
  const own = await assertRuns(task);

  const { snapshot_id: base } = await client.call("task.snapshot.create", { task_id: task });
  const [fork] = (await client.call("task.fork", { task_id: task })).tasks;
  const forks = await assertRuns(fork!.task_id);
  if (shape.network) {
    for (const line of forks.split("\n")) assert.ok(!own.split("\n").includes(line), `${own} and ${forks}`);
  }
  await scratch.killDaemon();
  await client.call("task.stop", { task_id: fork!.task_id });
  await client.call("task.start", { task_id: fork!.task_id });
  assert.equal(await assertRuns(fork!.task_id), forks);
  await scratch.delete(fork!.task_id);

  const tried = await client.call("task.try", {
    ...{ task_id: task, variants: ["false", "echo tried >kept"], keep: "first-passing", timeout_seconds: 120 },
  });
  assert.deepEqual([tried.kept, tried.keep_error], ["2", null]);
  assert.equal(await print(task, "cat kept"), "tried");
  await assertRuns(task);
  await client.call("task.reset", { task_id: task, to: base, force: true });
  assert.equal(await print(task, "cat kept"), "kept");
  assert.equal(await assertRuns(task), own);

  await client.call("env.save", { source: task, name: "shaped" });
  const created = (await client.call("task.create", { environment: "shaped", ...shape })).task_id;
  await assertRuns(created);
  for (const each of [created, task]) await scratch.delete(each);
  await client.call("env.remove", { environment: "shaped" });
}
