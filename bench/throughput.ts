import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { median } from "../src/bench/numbers.js";
import { pyroPath } from "../src/bench/starts.js";
import { column, type Cell, type Table } from "../src/bench/table.js";
import { openClient } from "../src/client/client.js";
import type { BenchHome } from "./home.js";
import { rounds } from "./rounds.js";

const MB = 128;
const ROUNDS = rounds(3);
const GIB = 2 ** 30;

/** Standard input and output of a command in a VM beside a pipe on the host. The time of an empty run is taken off. */
export async function benchThroughput({ env }: BenchHome): Promise<Table[]> {
  const pyro = `'${process.execPath}' '${pyroPath}' run --timeout-seconds 600 debian:12 --`;
  const source = (bytes: number) => `head -c ${bytes} /dev/zero`;
  const into = (bytes: number) => `${source(bytes)} | ${pyro} sh -c 'cat >/dev/null'`;
  const out = (bytes: number) => `${pyro} ${source(bytes)}`;
  const bytes = MB * 1_000_000;
  const empty = `${pyro} true`;
  const lines = [
    ["host: `head -c … /dev/zero | sha256sum`", `${source(bytes)} | sha256sum`, false],
    ["host: `head -c … /dev/zero | cat`", `${source(bytes)} | cat`, false],
    ["into a VM: `… | pyro run debian:12 -- sh -c 'cat >/dev/null'`", into(bytes), true],
    ["out of a VM: `pyro run debian:12 -- head -c … /dev/zero`", out(bytes), true],
  ] as const;
  // In turn, so that a load that changes meanwhile affects both.
  const turns = Array.from({ length: ROUNDS }, () =>
    [empty, ...lines.map(([, line]) => line)].map((line) => time(line, env)),
  );
  const [emptyMs = 0, ...whole] = [null, ...lines].map((_, index) => median(turns.map((times) => times[index]!)));
  const medians = lines.map(([, , isRun], index) => whole[index]! - (isRun ? emptyMs : 0));
  const throughput: Table = {
    title: `Throughput, ${MB} MB`,
    columns: [column.text("what"), column.ms("median"), column.megabytes("MB/s"), column.ratio("÷ `sha256sum`")],
    rows: lines.map(([name], index) => {
      const ms = medians[index]!;
      return [name, ms, (MB / ms) * 1000, medians[0]! / ms];
    }),
  };
  const { pid } = await openClient(env).call("daemon.status", {});
  const memory: Cell[][] = [["before the first GiB", residentMib(pid)]];
  for (const [name, line] of [
    ["after 1 GiB into a VM", into(GIB)],
    ["after 1 GiB out of a VM too", out(GIB)],
  ] as const) {
    time(line, env);
    memory.push([name, residentMib(pid)]);
  }
  const columns = [column.text("when"), column.mib("resident")];
  return [throughput, { title: "Memory of the daemon", columns, rows: memory }];
}

function time(line: string, env: NodeJS.ProcessEnv): number {
  const started = performance.now();
  const { status } = spawnSync("sh", ["-c", `${line} >/dev/null`], { env, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`status ${status}: ${line}`);
  return performance.now() - started;
}

function residentMib(pid: number | null): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kib) / 1024;
}
