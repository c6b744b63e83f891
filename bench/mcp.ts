import { spawn } from "node:child_process";

import { median, quantile, timeMs } from "../src/bench/numbers.js";
import { pyroPath, runStarter } from "../src/bench/starts.js";
import { column, type Table } from "../src/bench/table.js";
import type { BenchHome } from "./home.js";
import { rounds } from "./rounds.js";

const RUNS = rounds(20);

/** `pyro mcp serve` from process start to the answer to `initialize`, beside the least that a Node.js process takes. */
export async function benchMcp({ env }: BenchHome): Promise<Table[]> {
  const bare: number[] = [];
  const initialized: number[] = [];
  await initialize(env);
  // In turn, so that other load of the machine affects both.
  for (let index = 0; index < RUNS; index++) {
    bare.push(await timeMs(() => runStarter({ command: [process.execPath, "-e", "0"], env })));
    initialized.push(await initialize(env));
  }
  const base = median(bare);
  const row = (name: string, times: readonly number[]) => [
    name,
    times.length,
    median(times),
    quantile(times, 0.9),
    median(times) / base,
  ];
  return [
    {
      title: "The MCP server, from process start to an answered `initialize`",
      columns: [
        column.text("what"),
        column.count("n"),
        column.ms("p50"),
        column.ms("p90"),
        column.ratio("this ÷ `node -e 0`"),
      ],
      rows: [row("`pyro mcp serve`, `initialize` answered", initialized), row("`node -e 0`", bare)],
    },
  ];
}

/** Milliseconds until the answer. */
async function initialize(env: NodeJS.ProcessEnv): Promise<number> {
  const params = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1" } };
  const started = performance.now();
  const child = spawn(process.execPath, [pyroPath, "mcp", "serve"], { env, stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params })}\n`);
  const answer = await new Promise<Buffer>((resolve) => child.stdout.once("data", resolve));
  const took = performance.now() - started;
  if (!answer.includes('"result"')) throw new Error(`initialize was answered with ${answer.toString()}`);
  child.stdin.end();
  await ended;
  return took;
}
