import { spawnSync } from "node:child_process";

import type { BenchHome } from "./home.js";
import { median, printTable, renderMs, renderRatio } from "./numbers.js";
import { pyroPath } from "./run.js";

const MB = 32;
const BYTES = MB * 1_000_000;
const ROUNDS = 3;

/** Standard input and output of a command in a VM beside a pipe on the host. The time of an empty run is taken off. */
export function benchThroughput({ env }: BenchHome, emptyRunMs: number): void {
  const pyro = `'${process.execPath}' '${pyroPath}' run debian:12 --`;
  const source = `head -c ${BYTES} /dev/zero`;
  const pipe = time(`${source} | sha256sum`, env, 0);
  const rows = [
    ["host: `head -c … /dev/zero \\| sha256sum`", pipe],
    ["host: `head -c … /dev/zero \\| cat`", time(`${source} | cat`, env, 0)],
    [
      "into a VM: `… \\| pyro run debian:12 -- sh -c 'cat >/dev/null'`",
      time(`${source} | ${pyro} sh -c 'cat >/dev/null'`, env, emptyRunMs),
    ],
    ["out of a VM: `pyro run debian:12 -- head -c … /dev/zero`", time(`${pyro} ${source}`, env, emptyRunMs)],
  ] as const;
  printTable(
    `Throughput, ${MB} MB`,
    ["what", "median", "MB/s", "÷ `sha256sum`"],
    rows.map(([name, ms]) => [name, renderMs(ms), ((MB / ms) * 1000).toFixed(0), renderRatio(pipe / ms)]),
  );
}

function time(line: string, env: NodeJS.ProcessEnv, offsetMs: number): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const started = performance.now();
    const { status } = spawnSync("sh", ["-c", `${line} >/dev/null`], { env, stdio: ["ignore", "ignore", "inherit"] });
    if (status !== 0) throw new Error(`status ${status}: ${line}`);
    return performance.now() - started;
  });
  return median(times) - offsetMs;
}
