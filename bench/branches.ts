import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { median, quantile, timeMs } from "../src/bench/numbers.js";
import { column, type Cell, type Table } from "../src/bench/table.js";
import { openClient, type Client } from "../src/client/client.js";
import { diskUsageBytes } from "../src/host/disk.js";
import { listCommandLines } from "../src/host/process.js";
import type { SnapshotRecord } from "../src/store/snapshot-record.js";
import { untilCheckpointed } from "./checkpoint.js";
import type { BenchHome } from "./home.js";
import { rounds } from "./rounds.js";

const ROUNDS = rounds(15);
const AT_ONCE = 10;
const AT_ONCE_ROUNDS = rounds(3);
const MIB = 1_048_576;
/** With the page cache of its file, about 70 MiB of memory. */
const CHANGE = "head -c 46M /dev/urandom >/dev/shm/memory && head -c 20M /dev/urandom >disk && sync";

/** Branches of a task that has changed more than 50 MiB, in turn with new tasks, which take VMs that are kept ready where there are any. */
export async function benchBranches({ home, env }: BenchHome): Promise<Table[]> {
  const client = openClient(env);
  const create = async () => (await client.call("task.create", { environment: "debian:12" })).task_id;
  const parent = await create();
  await run(client, parent, CHANGE);
  const samples = await inTurn(client, home.path, parent, create);
  const { memoryMib, changedDiskMib, usedMib } = await measureStopped(client, home.path, parent);
  await client.call("task.delete", { task_id: parent });

  const base = median(samples.create);
  const row = (name: string, times: readonly number[], mostMs: number | null = null): Cell[] => [
    ...[name, times.length, median(times), quantile(times, 0.95), mostMs],
    median(times) / base,
  ];
  return [
    {
      title: "Branches of a task of 1 GiB, in turn with new tasks",
      columns: [
        ...[column.text("what"), column.count("n"), column.ms("p50"), column.ms("p95"), column.ms("at most")],
        column.ratio("÷ new task"),
      ],
      rows: [
        row("`task create`, to the end of the first `true`; a VM may be ready", samples.create),
        row("pause of the VM for a snapshot (p95 counts)", samples.pause, 150),
        row("`task snapshot create`, on the disk", samples.snapshot),
        row("`task fork`, to the end of the first `true`", samples.fork, 600),
        row("`task stop`", samples.stop),
        row("`task start`, to the end of the first `true`", samples.start, 800),
        row(`\`task fork --count ${AT_ONCE}\``, samples.many, 4_000),
      ],
      notes: [
        `The task had changed ${memoryMib} MiB of memory and ${changedDiskMib} MiB of disk. Stopped, it had no process, and its snapshot took ${usedMib} MiB.`,
      ],
    },
  ];
}

async function inTurn(client: Client, home: string, parent: string, create: () => Promise<string>) {
  const keys = ["create", "pause", "snapshot", "fork", "stop", "start", "many"] as const;
  const samples = Object.fromEntries(keys.map((key) => [key, [] as number[]])) as Record<
    (typeof keys)[number],
    number[]
  >;
  const toFirst = async (starting: () => Promise<string>) => {
    let task = "";
    const ms = await timeMs(async () => run(client, (task = await starting()), "true"));
    if (task !== parent) await client.call("task.delete", { task_id: task });
    return ms;
  };
  const fork = async () => (await client.call("task.fork", { task_id: parent })).tasks[0]!.task_id;
  const start = async () => (await client.call("task.start", { task_id: parent })).task_id;
  await toFirst(create);
  await untilCheckpointed(home);
  for (let round = 0; round < ROUNDS; round += 1) {
    samples.create.push(await toFirst(create));
    samples.fork.push(await toFirst(fork));
    let snapshotId = "";
    const snapshotMs = await timeMs(async () => {
      ({ snapshot_id: snapshotId } = await client.call("task.snapshot.create", { task_id: parent }));
    });
    samples.snapshot.push(snapshotMs);
    samples.pause.push(readRecord(home, snapshotId).pause_ms);
    await client.call("task.snapshot.delete", { snapshot_id: snapshotId });
    samples.stop.push(await timeMs(() => client.call("task.stop", { task_id: parent })));
    samples.start.push(await toFirst(start));
  }
  for (let round = 0; round < AT_ONCE_ROUNDS; round += 1) {
    let ids: string[] = [];
    const ms = await timeMs(async () => {
      ids = (await client.call("task.fork", { task_id: parent, count: AT_ONCE })).tasks.map(({ task_id }) => task_id);
    });
    samples.many.push(ms);
    await Promise.all(ids.map((task_id) => client.call("task.delete", { task_id })));
  }
  return samples;
}

async function run(client: Client, task: string, command: string): Promise<void> {
  const { exit_code, stderr } = await client.call("task.exec", { task_id: task, command });
  if (exit_code !== 0) throw new Error(`${command}: ${stderr}`);
}

/** The memory and disk of a stopped task, which has only its snapshot. Throws when it has a process. */
async function measureStopped(client: Client, home: string, task: string) {
  await client.call("task.stop", { task_id: task });
  const vm = `${home}/vms/${task.replace("task-", "vm-")}`;
  const left = listCommandLines().filter(({ args }) => args.some((word) => word.startsWith(vm)));
  if (left.length > 0) throw new Error(`a stopped task has ${left.length} processes`);
  const [snapshot] = readdirSync(join(home, "snapshots"));
  if (!snapshot) throw new Error("a stopped task has no snapshot");
  const { memory_bytes, disk_bytes } = readRecord(home, snapshot);
  const usedBytes = await diskUsageBytes(join(home, "snapshots", snapshot));
  const [memoryMib, changedDiskMib, usedMib] = [memory_bytes, disk_bytes, usedBytes].map((bytes) =>
    (bytes / MIB).toFixed(1),
  );
  return { memoryMib, changedDiskMib, usedMib };
}

function readRecord(
  home: string,
  snapshotId: string,
): Pick<SnapshotRecord, "pause_ms" | "memory_bytes" | "disk_bytes"> {
  return JSON.parse(readFileSync(join(home, "snapshots", snapshotId, "snapshot.json"), "utf8")) as SnapshotRecord;
}
