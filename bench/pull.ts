import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { median } from "../src/bench/numbers.js";
import { pyroPath } from "../src/bench/starts.js";
import { column, type Table } from "../src/bench/table.js";
import { Pyro } from "../src/index.js";
import type { BenchHome } from "./home.js";
import { rounds } from "./rounds.js";
import { FILES, LARGE_MIB, makeLarge, makeSmall, timeShell } from "./trees.js";

const ROUNDS = rounds(2);
const READS = rounds(50);
const MEGABYTES = LARGE_MIB * 1.048_576;

/** Files out of a task: `sync pull` beside a push of the same files, and reads of single files. */
export async function benchPull(bench: BenchHome): Promise<Table[]> {
  const large = join(bench.home.path, "pull-large");
  const small = join(bench.home.path, "pull-small");
  const empty = join(bench.home.path, "pull-empty");
  makeLarge(large);
  makeSmall(small);
  mkdirSync(empty);
  const figures: Figures = { large: pair(), small: pair(), idle: [], reads: [] };
  for (let round = 0; round < ROUNDS; round++) {
    await pullLarge(bench, { source: large, empty }, figures);
    await pullSmall(bench, small, figures);
  }
  for (const path of [large, small, empty]) rmSync(path, { recursive: true });
  return [speedsOf(figures), waitsOf(figures)];
}

interface Pair {
  readonly push: number[];
  readonly pull: number[];
}

interface Figures {
  readonly large: Pair;
  readonly small: Pair;
  /** Pulls with nothing to do. */
  readonly idle: number[];
  readonly reads: number[];
}

function pair(): Pair {
  return { push: [], pull: [] };
}

/** A file that a command of the task has made: the agent has not seen its content. */
async function pullLarge(
  bench: BenchHome,
  { source, empty }: { source: string; empty: string },
  { large }: Figures,
): Promise<void> {
  await inTask(bench, empty, async (task, pyro) => {
    large.push.push(timeShell(`${pyro} task sync push ${task} '${source}' --dest /workspace/pushed`, bench.env));
    timeShell(`${pyro} task exec ${task} -- sh -c 'cp pushed/large copy; rm -r pushed; sync; sleep 1'`, bench.env);
    large.pull.push(timeShell(`${pyro} task sync pull ${task}`, bench.env));
    rmSync(join(empty, "copy"));
  });
}

async function pullSmall(bench: BenchHome, source: string, { small, idle, reads }: Figures): Promise<void> {
  const into = `${source}-pulled`;
  mkdirSync(into);
  await inTask(bench, into, async (task, pyro) => {
    small.push.push(timeShell(`${pyro} task sync push ${task} '${source}' --dest /workspace/all`, bench.env));
    timeShell(`${pyro} task exec ${task} -- sh -c 'cp -r all copy; rm -r all; sync; sleep 1'`, bench.env);
    small.pull.push(timeShell(`${pyro} task sync pull ${task}`, bench.env));
    for (let count = 0; count < 3; count++) idle.push(timeShell(`${pyro} task sync pull ${task}`, bench.env));
    const client = new Pyro({ home: bench.home.path });
    for (let count = 0; count < READS; count++) {
      const started = performance.now();
      await client.readTaskFile(task, "copy/package-1/module-1/source-file-41.ts", { encoding: "base64" });
      reads.push(performance.now() - started);
    }
  });
  rmSync(into, { recursive: true });
}

async function inTask(
  { home }: BenchHome,
  origin: string,
  measure: (task: string, pyro: string) => Promise<void>,
): Promise<void> {
  const client = new Pyro({ home: home.path });
  const { taskId: task } = await client.createTask("debian:12", { sourcePath: origin });
  await measure(task, `'${process.execPath}' '${pyroPath}'`);
  await client.deleteTask(task);
}

function speedsOf({ large, small }: Figures): Table {
  const row = (what: string, { push, pull }: Pair, count: number, unit: string) => [
    ...[what, ROUNDS, median(push), median(pull), median(pull) / median(push)],
    `${Math.round((count / median(pull)) * 1_000).toLocaleString("en")} ${unit}`,
  ];
  return {
    title: "A pull beside the push of the same",
    columns: [
      ...[column.text("what"), column.count("n"), column.ms("push"), column.ms("pull")],
      ...[column.ratio("pull ÷ push"), column.text("pull")],
    ],
    rows: [
      row(`a file of ${LARGE_MIB} MiB that a command made`, large, MEGABYTES, "MB/s"),
      row(`${FILES} small files`, small, FILES, "files/s"),
    ],
  };
}

function waitsOf({ idle, reads }: Figures): Table {
  return {
    title: `Waits with ${FILES} files in the workspace`,
    columns: [column.text("what"), column.count("n"), column.ms("median")],
    rows: [
      ["`pyro task sync pull` with nothing to do", idle.length, median(idle)],
      ["`readTaskFile` of a small file", reads.length, median(reads)],
    ],
  };
}
