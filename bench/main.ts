import { cpus, loadavg, totalmem } from "node:os";

import { openClient } from "../src/client/client.js";
import { stopDaemon } from "../src/client/daemon.js";
import { benchFairness } from "./fairness.js";
import { openBenchHome, type BenchHome } from "./home.js";
import { benchIdle } from "./idle.js";
import { benchInside } from "./inside.js";
import { benchMany } from "./many.js";
import { benchMcp } from "./mcp.js";
import { benchMemory } from "./memory.js";
import { benchNetwork } from "./network.js";
import { benchPush } from "./push.js";
import { benchRun } from "./run.js";
import { benchStart } from "./start.js";
import { benchThroughput } from "./throughput.js";

const MANY_RUNS = 2_000;

/**
 * Prints markdown tables: what VMs cost here, as ratios within one run. BENCH_HOME names a home to take environments from. With the
 * argument `many`, and a number, it does so many runs in a row instead.
 */
async function main(bench: BenchHome): Promise<void> {
  const gib = Math.round(totalmem() / 2 ** 30);
  const load = loadavg()[0]?.toFixed(1);
  process.stdout.write(
    `${cpus().length} cores, ${gib} GiB, Node.js ${process.versions.node}, load ${load} at the start.\n`,
  );
  const [section, runs] = process.argv.slice(2);
  if (section === "many") return benchMany(bench, Number(runs ?? MANY_RUNS));
  await benchStart(bench.home);
  await benchNetwork(bench.home);
  const emptyRunMs = await benchRun(bench);
  await benchMcp(bench);
  await benchMemory(bench);
  await benchThroughput(bench, emptyRunMs);
  await benchPush(bench);
  await benchInside(bench);
  await benchIdle(bench);
  await benchFairness();
}

const bench = openBenchHome();

/** The daemon first, since what is removed is its home. */
async function close(): Promise<void> {
  try {
    await stopDaemon(openClient(bench.env));
  } finally {
    bench.remove();
  }
}

for (const [signal, status] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => void close().finally(() => process.exit(status)));
}
try {
  await main(bench);
} finally {
  await close();
}
