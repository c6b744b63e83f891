import { rmSync } from "node:fs";
import { join } from "node:path";

import { median } from "../src/bench/numbers.js";
import { pyroPath } from "../src/bench/starts.js";
import { column, type Column, type Table } from "../src/bench/table.js";
import { openClient } from "../src/client/client.js";
import type { BenchHome } from "./home.js";
import { rounds } from "./rounds.js";
import { FILES, FOLDERS, LARGE_MIB, makeLarge, makeSmall, timeShell } from "./trees.js";

const ROUNDS = rounds(2);

/** Files into a task: `sync push` beside the way without it, `tar` at both ends of an exec. */
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
      piped.push(
        timeShell(`tar c -C '${source}' . | ${pyro} task exec --timeout-seconds 3600 ${task} -- ${unpack}`, env),
      );
    });
    await inNewTask((task) => {
      const push = `${pyro} task sync push ${task} '${source}' --dest /workspace/new`;
      pushed.push(timeShell(push, env));
      over.push(timeShell(push, env));
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
