import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { runTool } from "../host/tool.js";
import { median, quantile, timeMs } from "./numbers.js";
import { column, type Cell, type Table } from "./table.js";

export const pyroPath = fileURLToPath(new URL("../../../bin/pyro", import.meta.url));

/** A command line that runs `true` in a sandbox of its own. */
export interface Starter {
  readonly name: string;
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface StartCounts {
  /** Blocks of runs back to back, and the runs of each. */
  readonly blocks: number;
  readonly runs: number;
  /** Runs with a pause before each. */
  readonly paused: number;
  readonly atOnce: number;
}

const PAUSE_MS = 3_000;

/** `pyro run` as a user runs it. */
export function buildPyroRun(env: NodeJS.ProcessEnv): Starter {
  const command = [process.execPath, pyroPath, "run", "debian:12", "--", "true"];
  return { name: "`pyro run debian:12 -- true`", command, env };
}

/** Process start to exit, in each pattern of use, for each starter in turn. The first starter is compared with the others. */
export async function measureStarts(
  starters: readonly Starter[],
  counts: StartCounts,
  signal?: AbortSignal,
): Promise<Table> {
  const rows: Cell[][] = [];
  const add = (pattern: string, samples: readonly (readonly number[])[]) => {
    const first = median(samples[0]!);
    for (const [index, starter] of starters.entries()) {
      const times = samples[index]!;
      const middle = median(times);
      const compared = index === 0 ? null : first / middle;
      rows.push([starter.name, pattern, times.length, middle, quantile(times, 0.9), compared]);
    }
  };
  const time = (starter: Starter) => timeMs(() => runStarter(starter, signal));
  const backToBack = async (starter: Starter) => {
    const times: number[] = [];
    while (times.length < counts.runs) times.push(await time(starter));
    return times;
  };
  const afterPause = async (starter: Starter) => {
    await sleep(PAUSE_MS);
    return [await time(starter)];
  };
  const atOnce = async (starter: Starter) => [
    await timeMs(() => Promise.all(Array.from({ length: counts.atOnce }, () => runStarter(starter, signal)))),
  ];
  for (const starter of starters) await time(starter);
  add("back to back", await inTurn(starters, counts.blocks, backToBack));
  add("every 3 s", await inTurn(starters, counts.paused, afterPause));
  add(`${counts.atOnce} at once, the last one`, await inTurn(starters, 1, atOnce));
  return {
    title: "One command in a sandbox of its own, from process start to exit",
    columns: [
      column.text("what"),
      column.text("pattern"),
      column.count("n"),
      column.ms("p50"),
      column.ms("p90"),
      column.ratio("`pyro run` ÷ this"),
    ],
    rows,
  };
}

/** Runs its command to the end; throws when it fails. */
export async function runStarter(
  { command: [program = "", ...args], env }: Omit<Starter, "name">,
  signal?: AbortSignal,
): Promise<void> {
  const { exitCode, stderr } = await runTool(program, args, { env, signal });
  if (exitCode !== 0) throw new Error(`status ${exitCode}: ${program} ${args.join(" ")}\n${stderr.trim()}`);
}

async function inTurn(
  starters: readonly Starter[],
  rounds: number,
  measure: (starter: Starter) => Promise<readonly number[]>,
): Promise<number[][]> {
  const samples = starters.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, starter] of starters.entries()) samples[index]?.push(...(await measure(starter)));
  }
  return samples;
}
