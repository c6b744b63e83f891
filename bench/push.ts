import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { median } from "../src/bench/numbers.js";
import { pyroPath } from "../src/bench/starts.js";
import { column, type Column, type Table } from "../src/bench/table.js";
import { openClient } from "../src/client/client.js";
import type { BenchHome } from "./home.js";
import { rounds } from "./rounds.js";

const LARGE_MIB = 256;
const FILES = 10_000;
const FOLDERS = 800;
/** Bytes, one after the other: the median of a checkout's files is near 2 KB. */
const SMALL_SIZES = [300, 900, 2_000, 2_500, 4_000, 6_000, 8_000];
const ROUNDS = rounds(2);

/** Files into a task: `sync push` beside what one would do without it, `tar` at both ends of an exec. */
export async function benchPush(bench: BenchHome): Promise<Table[]> {
  const large = join(bench.home.path, "push-large");
  const small = join(bench.home.path, "push-small");
  makeLarge(large);
  makeSmall(small);
  const tables = [
    await compare(bench, `A file of ${LARGE_MIB} MiB into a task`, large, {
      speed: column.megabytes("MB/s"),
      count: LARGE_MIB * 1.048_576,
    }),
    await compare(bench, `${FILES} small files in ${FOLDERS} directories into a task`, small, {
      speed: column.count("files/s"),
      count: FILES,
    }),
  ];
  for (const path of [large, small]) rmSync(path, { recursive: true });
  return tables;
}

interface Measure {
  readonly speed: Column;
  readonly count: number;
}

/** Each into a missing directory, in its own task; the last line pushes over existing files. */
async function compare({ env }: BenchHome, title: string, source: string, { speed, count }: Measure): Promise<Table> {
  const client = openClient(env);
  const pyro = `'${process.execPath}' '${pyroPath}'`;
  const piped: number[] = [];
  const pushed: number[] = [];
  const over: number[] = [];
  const inNewTask = async (measure: (task: string) => void) => {
    const { task_id: task } = await client.call("task.create", { environment: "debian:12" });
    measure(task);
    await client.call("task.delete", { task_id: task });
  };
  for (let round = 0; round < ROUNDS; round++) {
    await inNewTask((task) => {
      const unpack = "sh -c 'mkdir /workspace/new && tar x -C /workspace/new'";
      piped.push(time(`tar c -C '${source}' . | ${pyro} task exec --timeout-seconds 3600 ${task} -- ${unpack}`, env));
    });
    await inNewTask((task) => {
      const push = `${pyro} task sync push ${task} '${source}' --dest /workspace/new`;
      pushed.push(time(push, env));
      over.push(time(push, env));
    });
  }
  const rows = [
    ["`tar c | pyro task exec -- tar x`", median(piped)],
    ["`pyro task sync push`", median(pushed)],
    ["the same once more, over what is there", median(over)],
  ] as const;
  return {
    title,
    columns: [column.text("what"), column.count("n"), column.ms("median"), speed, column.ratio("÷ `tar`")],
    rows: rows.map(([what, ms]) => [what, ROUNDS, ms, (count / ms) * 1000, ms / median(piped)]),
  };
}

function time(line: string, env: NodeJS.ProcessEnv): number {
  const started = performance.now();
  const { status } = spawnSync("sh", ["-c", `${line} >/dev/null 2>&1`], { env, stdio: "ignore" });
  if (status !== 0) throw new Error(`status ${status}: ${line}`);
  return performance.now() - started;
}

function makeLarge(path: string): void {
  mkdirSync(path);
  const block = noise(1_048_576, 1);
  for (let index = 0; index < LARGE_MIB; index++) writeFileSync(join(path, "large"), block, { flag: "a" });
}

/** Times of whole seconds in one half, of fractions in the other, as checkouts and copies have them. */
function makeSmall(path: string): void {
  for (let folder = 0; folder < FOLDERS; folder++) mkdirSync(folderOf(path, folder), { recursive: true });
  for (let index = 0; index < FILES; index++) {
    const file = join(folderOf(path, index % FOLDERS), `source-file-${index}.ts`);
    writeFileSync(file, noise(SMALL_SIZES[index % SMALL_SIZES.length] ?? 0, index));
    if (index % 2 === 0) utimesSync(file, 1_700_000_000 + index, 1_700_000_000 + index);
  }
}

function folderOf(path: string, folder: number): string {
  return join(path, `package-${folder % 40}`, `module-${Math.floor(folder / 40)}`);
}

function noise(sizeBytes: number, seed: number): Buffer {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let index = 0; index < words.length; index++) words[index] = Math.imul(index + seed, 2_654_435_761);
  return Buffer.from(words.buffer, 0, sizeBytes);
}
