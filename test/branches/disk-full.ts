import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { PyroError } from "../../src/contract/errors.js";
import { until } from "../client/scratch.js";
import { TaskScratch } from "../faults/task-scratch.js";
import { random, seed } from "../seed.js";
import { COUNTER } from "./kills.js";

const MIB = 1_048_576;
const ENOUGH = 1_024 * MIB;
/** Some for records only, some for a part of the memory, some for nearly all of it. */
const ROOMS_MIB = [0, 1, 70, 100, 160, 220] as const;

/**
 * Does each operation on branches with less and less room on the disk of a whole home: it succeeds, or fails with DISK_FULL, and then
 * the task runs on as it was, and nothing is left. Needs root, or root of a user namespace.
 */
async function main(): Promise<void> {
  await using scratch = new TaskScratch({ smallDisk: { directory: ".", size: String(ENOUGH) } });
  const task = await scratch.create();
  const { client, home } = scratch;
  await client.call("task.exec", { task_id: task, command: COUNTER, background: true });
  // Changed memory that no other snapshot has.
  await scratch.execHere(task, "echo kept >kept; head -c 90000000 /dev/urandom >/dev/shm/big; sync", {}, 120);
  const { snapshot_id: base } = await client.call("task.snapshot.create", { task_id: task });
  const operations: Readonly<Record<string, () => Promise<unknown>>> = {
    snapshot: () => client.call("task.snapshot.create", { task_id: task }),
    fork: () => client.call("task.fork", { task_id: task, count: 2 }),
    stop: () => client.call("task.stop", { task_id: task }),
    start: () => client.call("task.start", { task_id: task }),
    reset: () => client.call("task.reset", { task_id: task, to: base, force: true }),
    try: () => client.call("task.try", { task_id: task, variants: ["echo tried >kept"], keep: "first-passing" }),
    save: () => client.call("env.save", { source: task, name: "kept" }),
    "save of the disk": () => client.call("env.save", { source: task, name: "kept", disk_only: true }),
  };
  for (const [name, operation] of Object.entries(operations)) {
    const outcomes: string[] = [];
    for (const mib of ROOMS_MIB) {
      if (name === "start") await client.call("task.stop", { task_id: task });
      if (name === "reset") await scratch.execHere(task, "echo later >kept; sync", {}, 120);
      scratch.leaveRoom(Math.floor((mib + random()) * MIB));
      const outcome = await outcomeOf(name, operation());
      scratch.leaveRoom(ENOUGH);
      outcomes.push(`${mib} MiB ${outcome}`);
      await client.call("task.start", { task_id: task });
      const kept = (await scratch.execHere(task, "cat kept", {}, 120)).stdout;
      const isTried = name === "try" && kept === "tried\n";
      const isReset = name === "reset" && outcome === "enough";
      const expected = name === "reset" && !isReset ? "later\n" : "kept\n";
      assert.ok(kept === expected || isTried, `${name}, ${mib} MiB ${outcome}: the content is ${kept}`);
      if (isTried) await client.call("task.reset", { task_id: task, to: base, force: true });
      await untilCounts(scratch, task);
      await client.call("env.remove", { environment: "kept" }).catch(() => {});
      for (const each of (await client.call("task.list", {})).tasks) {
        if (each.task_id !== task) await scratch.delete(each.task_id);
      }
      for (const { snapshot_id } of (await client.call("task.snapshot.list", {})).snapshots) {
        if (snapshot_id !== base) await client.call("task.snapshot.delete", { snapshot_id });
      }
      await until("only the base is left", () => readdirSync(join(home, "snapshots")).join() === base);
      assert.deepEqual(readdirSync(join(home, "vms")), [task.replace("task-", "vm-")], name);
      assert.deepEqual(readdirSync(join(home, "tasks")), [task], name);
    }
    process.stdout.write(`a full disk, ${name}: ${outcomes.join(", ")}\n`);
  }
  await scratch.delete(task);
  process.stdout.write(`passed: full disks, seed ${seed}\n`);
}

async function outcomeOf(name: string, operating: Promise<unknown>): Promise<string> {
  try {
    const result = (await operating) as {
      keep_error?: { code: string } | null;
      variants?: { error: { code: string } | null }[];
    };
    const error = result.variants?.find((each) => each.error)?.error ?? result.keep_error;
    if (!error) return "enough";
    assert.equal(error.code, "DISK_FULL", `${name}: ${JSON.stringify(result)}`);
    return "full";
  } catch (thrown) {
    const error = PyroError.from(thrown);
    assert.equal(error.code, "DISK_FULL", `${name}: ${error.code} ${error.message}`);
    return "full";
  }
}

async function untilCounts(scratch: TaskScratch, task: string): Promise<void> {
  const count = async () => Number((await scratch.execHere(task, "cat /dev/shm/n", {}, 120)).stdout);
  const first = await count();
  await until("the counter counts on", async () => (await count()) > first, 60);
}

await main();
