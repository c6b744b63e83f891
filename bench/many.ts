import { readdirSync, readFileSync, statSync } from "node:fs";

import { median, timeMs } from "../src/bench/numbers.js";
import { column, type Cell, type Table } from "../src/bench/table.js";
import { openClient, type Client } from "../src/client/client.js";
import { readCommandLine } from "../src/host/process.js";
import { untilCheckpointed } from "./checkpoint.js";
import type { BenchHome } from "./home.js";

/** How many of the first and of the last runs are compared. */
const MOST_COMPARED = 100;
const FRACTIONS = [0, 0.25, 0.5, 0.75, 1] as const;

/** Many runs one after the other: the growth of the daemon, and its leftovers. */
export async function benchMany({ env, home }: BenchHome, runs: number): Promise<Table[]> {
  const client = openClient(env);
  const run = () => client.call("vm.run", { environment: "debian:12", command: "true" });
  for (let warm = 0; warm < 3; warm++) await run();
  await untilCheckpointed(home.path);
  const side = Math.min(MOST_COMPARED, Math.ceil(runs / 4));
  const looks = FRACTIONS.map((fraction) => Math.max(side, Math.round(fraction * runs)));
  const times: number[] = [];
  const rows: Cell[][] = [];
  while (times.length < runs) {
    times.push(await timeMs(run));
    if (!looks.includes(times.length)) continue;
    const last = median(times.slice(-side));
    rows.push([times.length, ...(await look(client, home.path)), last, last / median(times.slice(0, side))]);
  }
  return [
    {
      title: `${runs} runs of \`true\` from the SDK, one after the other`,
      columns: [
        column.count("after runs"),
        column.mib("daemon's memory"),
        ...["descriptors", "processes", "mounts", "files in the home"].map(column.count),
        column.kib("log"),
        column.ms(`p50 of the last ${side} runs`),
        column.ratio("÷ at the beginning"),
      ],
      rows,
    },
  ];
}

/** The resources of a daemon, in the order of the columns. Without spares, whose files, descriptors and processes would be counted too. */
async function look(client: Client, homePath: string): Promise<number[]> {
  await client.call("env.prune", { dry_run: true });
  const { pid, memory_bytes, log } = await client.call("daemon.status", {});
  return [
    (memory_bytes ?? 0) / 2 ** 20,
    readdirSync(`/proc/${pid}/fd`).length,
    readdirSync("/proc").filter((name) => isOfHome(name, homePath)).length,
    readFileSync("/proc/self/mountinfo", "utf8").split("\n").length,
    readdirSync(homePath, { recursive: true }).length,
    statSync(log).size / 1024,
  ];
}

function isOfHome(pid: string, homePath: string): boolean {
  return /^\d+$/.test(pid) && readCommandLine(Number(pid)).some((word) => word.includes(homePath));
}
