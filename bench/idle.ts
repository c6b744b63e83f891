import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

import { column, type Table } from "../src/bench/table.js";
import { openClient } from "../src/client/client.js";
import { readCommandLine } from "../src/host/process.js";
import type { BenchHome } from "./home.js";

const TASKS = 50;
const AT_ONCE = 5;
const WATCH_SECONDS = 5;
const TICKS_PER_SECOND = 100;

/** The cost of many idle tasks: processor time of all QEMU processes of this home, and the daemon's memory. */
export async function benchIdle({ home, env }: BenchHome): Promise<Table[]> {
  const client = openClient(env);
  const ids: string[] = [];
  while (ids.length < TASKS) {
    const created = Array.from({ length: AT_ONCE }, () => client.call("task.create", { environment: "debian:12" }));
    ids.push(...(await Promise.all(created)).map(({ task_id }) => task_id));
  }
  await sleep(WATCH_SECONDS * 1000);
  const before = processorTicks(home.path);
  await sleep(WATCH_SECONDS * 1000);
  const ticks = processorTicks(home.path) - before;
  const { memory_bytes } = await client.call("daemon.status", {});
  const percent = (ticks / TICKS_PER_SECOND / WATCH_SECONDS) * 100;
  await Promise.all(ids.map((task_id) => client.call("task.delete", { task_id })));
  return [
    {
      title: `${TASKS} idle tasks`,
      columns: [
        column.percent("processor time, of one core"),
        column.percent("of one task"),
        column.mib("the daemon's memory"),
      ],
      rows: [[percent, percent / TASKS, (memory_bytes ?? 0) / 2 ** 20]],
    },
  ];
}

/** Clock ticks that the VMs of a home have used. Bubblewrap, whose command line names the home, is the parent of each. */
function processorTicks(homePath: string): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const jails = new Set(
    pids.filter((pid) => readCommandLine(Number(pid)).some((word) => word.startsWith(`${homePath}/vms/`))),
  );
  const ofJails = pids.map(readStat).filter((stat) => stat !== null && jails.has(stat.parent));
  return ofJails.reduce((sum, stat) => sum + (stat?.ticks ?? 0), 0);
}

function readStat(pid: string): { parent: string; ticks: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { parent: fields[1] ?? "", ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return null;
  }
}
