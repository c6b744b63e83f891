import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { openClient } from "../src/client/client.js";
import type { BenchHome } from "./home.js";
import { median, printTable, renderMs, renderRatio } from "./numbers.js";
import { pyroPath } from "./run.js";

const MB = 128;
const ROUNDS = 3;
const GIB = 2 ** 30;

/** Standard input and output of a command in a VM beside a pipe on the host. The time of an empty run is taken off. */
export async function benchThroughput({ env }: BenchHome, emptyRunMs: number): Promise<void> {
  const pyro = `'${process.execPath}' '${pyroPath}' run --timeout-seconds 600 debian:12 --`;
  const source = (bytes: number) => `head -c ${bytes} /dev/zero`;
  const into = (bytes: number) => `${source(bytes)} | ${pyro} sh -c 'cat >/dev/null'`;
  const out = (bytes: number) => `${pyro} ${source(bytes)}`;
  const bytes = MB * 1_000_000;
  const lines = [
    ["host: `head -c … /dev/zero \\| sha256sum`", `${source(bytes)} | sha256sum`, 0],
    ["host: `head -c … /dev/zero \\| cat`", `${source(bytes)} | cat`, 0],
    ["into a VM: `… \\| pyro run debian:12 -- sh -c 'cat >/dev/null'`", into(bytes), emptyRunMs],
    ["out of a VM: `pyro run debian:12 -- head -c … /dev/zero`", out(bytes), emptyRunMs],
  ] as const;
  // In turn, so that a load that changes meanwhile is shared.
  const rounds = Array.from({ length: ROUNDS }, () => lines.map(([, line, offsetMs]) => time(line, env) - offsetMs));
  const medians = lines.map((_, index) => median(rounds.map((times) => times[index]!)));
  printTable(
    `Throughput, ${MB} MB`,
    ["what", "median", "MB/s", "÷ `sha256sum`"],
    lines.map(([name], index) => {
      const ms = medians[index]!;
      return [name, renderMs(ms), ((MB / ms) * 1000).toFixed(0), renderRatio(medians[0]! / ms)];
    }),
  );
  const { pid } = await openClient(env).call("daemon.status", {});
  const memory = [["before the first GiB", residentMib(pid)]];
  for (const [name, line] of [
    ["after 1 GiB into a VM", into(GIB)],
    ["after 1 GiB out of a VM too", out(GIB)],
  ] as const) {
    time(line, env);
    memory.push([name, residentMib(pid)]);
  }
  printTable("Memory of the daemon", ["when", "resident MiB"], memory);
}

function time(line: string, env: NodeJS.ProcessEnv): number {
  const started = performance.now();
  const { status } = spawnSync("sh", ["-c", `${line} >/dev/null`], { env, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`status ${status}: ${line}`);
  return performance.now() - started;
}

function residentMib(pid: number | null): string {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return String(Math.round(Number(kib) / 1024));
}
