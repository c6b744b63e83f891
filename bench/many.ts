import { readdirSync, readFileSync, statSync } from "node:fs";

import { openClient, type Client } from "../src/client/client.js";
import { readCommandLine } from "../src/host/process.js";
import type { BenchHome } from "./home.js";
import { median, printRow, printTable, renderMs, timeMs } from "./numbers.js";

/** Runs whose latency is compared, at both ends. */
const SIDE = 100;
const FRACTIONS = [0, 0.25, 0.5, 0.75, 1] as const;

/** What a daemon holds, and what its home does. */
interface Holding {
  readonly runs: number;
  readonly memoryMib: number;
  readonly descriptors: number;
  readonly processes: number;
  readonly mounts: number;
  readonly files: number;
  readonly logKib: number;
}

/** Many runs one after the other: what of the daemon grows, and what is left behind. */
export async function benchMany({ env, home }: BenchHome, runs: number): Promise<void> {
  const client = openClient(env);
  const run = () => client.call("vm.run", { environment: "debian:12", command: "true" });
  for (let warm = 0; warm < 3; warm++) await run();
  const looks = FRACTIONS.map((fraction) => Math.max(SIDE, Math.round(fraction * runs)));
  const times: number[] = [];
  const columns = ["after runs", "daemon's memory", "descriptors", "processes", "mounts", "files in the home", "log"];
  printTable(`${runs} runs of \`true\` one after the other`, columns, []);
  while (times.length < runs) {
    times.push(await timeMs(run));
    if (looks.includes(times.length)) printRow(renderHolding(await look(client, home.path, times.length)));
  }
  const [first, last] = [times.slice(0, SIDE), times.slice(-SIDE)].map(median) as [number, number];
  process.stdout.write(
    `\np50 of the first ${SIDE} runs ${renderMs(first)}, of the last ${SIDE} ${renderMs(last)}: ${(last / first).toFixed(2)}×.\n`,
  );
}

function renderHolding({ runs, memoryMib, descriptors, processes, mounts, files, logKib }: Holding): string[] {
  const counts = [descriptors, processes, mounts, files].map(String);
  return [String(runs), `${memoryMib.toFixed(0)} MiB`, ...counts, `${logKib.toFixed(0)} KiB`];
}

/** Without spares, which come and go: they would be counted as files, descriptors and processes. */
async function look(client: Client, homePath: string, runs: number): Promise<Holding> {
  await client.call("env.prune", { dry_run: true });
  const { pid, memory_bytes, log } = await client.call("daemon.status", {});
  return {
    runs,
    memoryMib: (memory_bytes ?? 0) / 2 ** 20,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    processes: readdirSync("/proc").filter((name) => isOfHome(name, homePath)).length,
    mounts: readFileSync("/proc/self/mountinfo", "utf8").split("\n").length,
    files: readdirSync(homePath, { recursive: true }).length,
    logKib: statSync(log).size / 1024,
  };
}

function isOfHome(pid: string, homePath: string): boolean {
  return /^\d+$/.test(pid) && readCommandLine(Number(pid)).some((word) => word.includes(homePath));
}
