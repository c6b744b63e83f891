import type { Client } from "../../client/client.js";
import type { Stage } from "../../contract/wire.js";
import { jsonLine } from "./json-line.js";

/** Runs a function with a client that may trace. At the end, even after a failure, prints the time of each stage on standard error. */
export async function traced(client: Client, json: boolean, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } finally {
    const stages = client.trace?.end();
    if (stages) process.stderr.write(json ? renderTraceJson(stages) : renderTrace(stages));
  }
}

/** A table with a line for each stage, in their order, and their sum. */
export function renderTrace(stages: readonly Stage[]): string {
  const lines = [...stages, { stage: "total", ms: sumOf(stages) }];
  const width = Math.max(...lines.map(({ stage }) => stage.length));
  const render = ({ stage, ms }: Stage) => `${stage.padEnd(width)} ${ms.toFixed(1).padStart(9)} ms\n`;
  return lines.map(render).join("");
}

/** The times of the stages and their sum, as one line of JSON. */
export function renderTraceJson(stages: readonly Stage[]): string {
  const round = (ms: number) => Math.round(ms * 1000) / 1000;
  const trace = { total_ms: round(sumOf(stages)), stages: stages.map(({ stage, ms }) => ({ stage, ms: round(ms) })) };
  return jsonLine({ trace });
}

function sumOf(stages: readonly Stage[]): number {
  return stages.reduce((sum, { ms }) => sum + ms, 0);
}
