import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import {
  measureSection,
  readConditions,
  readLoad,
  renderCircumstances,
  renderConditions,
  type Section,
} from "../src/bench/report.js";
import { renderMarkdown, type Table } from "../src/bench/table.js";
import { openClient } from "../src/client/client.js";
import { stopDaemon } from "../src/client/daemon.js";
import { benchE2b } from "./e2b.js";
import { benchFairness } from "./fairness.js";
import { benchBranches } from "./branches.js";
import { benchBuilds } from "./builds.js";
import { openBenchHome, type BenchHome } from "./home.js";
import { benchIdle } from "./idle.js";
import { benchInside } from "./inside.js";
import { benchLive } from "./live.js";
import { benchMany } from "./many.js";
import { benchMcp } from "./mcp.js";
import { benchMemory } from "./memory.js";
import { benchNetwork } from "./network.js";
import { benchPull } from "./pull.js";
import { benchPush } from "./push.js";
import { benchRun } from "./run.js";

import { benchStart } from "./start.js";
import { benchThroughput } from "./throughput.js";

const parts: Readonly<Record<string, (bench: BenchHome, runs: number) => Promise<Table[]>>> = {
  start: ({ home }) => benchStart(home),
  branches: benchBranches,
  inside: benchInside,
  outside: benchRun,
  many: benchMany,
  builds: benchBuilds,
  network: ({ home }) => benchNetwork(home),
  mcp: benchMcp,
  memory: benchMemory,
  throughput: benchThroughput,
  push: benchPush,
  pull: benchPull,
  live: benchLive,
  idle: benchIdle,
  fairness: benchFairness,
  e2b: benchE2b,
};
/** Parts that run only when they are named: the builds take an hour, and the last one needs E2B's SDK. */
const onlyNamed = ["builds", "e2b"];

/**
 * What VMs cost here, as ratios within one run: the named parts, or all of them. BENCH_HOME names a home to take environments from,
 * BENCH_ROUNDS bounds how often things are measured. `--json FILE` writes the figures, from which the page is rendered.
 */
async function main(bench: BenchHome): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { json: { type: "string" }, runs: { type: "string", default: "100" } },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(parts).filter((part) => !onlyNamed.includes(part));
  const unknown = names.filter((name) => !parts[name]);
  if (unknown.length > 0) throw new Error(`no part ${unknown.join(", ")}; there are ${Object.keys(parts).join(", ")}`);
  const client = openClient(bench.env);
  const load = readLoad();
  const sections: Section[] = [];
  for (const name of names) {
    const section = await measurePart(name, bench, Number(values.runs));
    if (section === null) continue;
    sections.push(section);
    process.stdout.write(`\n## ${name}: ${renderCircumstances(section)}\n`);
    for (const table of section.tables) process.stdout.write(`\n${renderMarkdown(table)}`);
    // The first VM finds out which accelerator is used.
    const conditions = { ...(await readConditions(client)), load };
    if (sections.length === 1) process.stdout.write(`\n${renderConditions(conditions)}\n`);
    if (values.json) writeFileSync(values.json, `${JSON.stringify({ format: 1, conditions, sections }, null, 1)}\n`);
  }
  const seconds = sections.reduce((sum, section) => sum + section.seconds, 0);
  process.stdout.write(`\n${Math.round(seconds)} s in all.\n`);
}

/** Null for a part that failed: the others continue, and the process ends with status 1. */
async function measurePart(name: string, bench: BenchHome, runs: number): Promise<Section | null> {
  try {
    return await measureSection(name, () => parts[name]!(bench, runs));
  } catch (error) {
    process.stderr.write(`${name} failed: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
    return null;
  }
}

const bench = openBenchHome();

/** Tasks outlive the daemon, and the daemon would write to the home that is removed. */
async function close(): Promise<void> {
  const client = openClient(bench.env);
  try {
    const { tasks } = await client.call("task.list", {});
    await Promise.allSettled(tasks.map(({ task_id }) => client.call("task.delete", { task_id })));
    await stopDaemon(client);
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
