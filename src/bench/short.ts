import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Client } from "../client/client.js";
import type { OperationEvent } from "../contract/operation.js";
import { mkdir, mkdtemp, rm } from "../host/files.js";
import { measureInside } from "./inside.js";
import { findRunsc, openHost, openRunsc, openTask, type Place } from "./places.js";
import { measureSection, readConditions, type Report } from "./report.js";
import { buildPyroRun, measureStarts } from "./starts.js";
import type { Table } from "./table.js";
import { workloads } from "./workloads.js";

export interface ShortOptions {
  readonly signal: AbortSignal;
  /** Called when the next thing is measured. */
  readonly onStep: (what: string) => void;
  /** Called while the environment is prepared. */
  readonly onEvent: (event: OperationEvent) => void;
}

const ENVIRONMENT = "debian:12";
const ROUNDS = 3;
const COUNTS = { blocks: 2, runs: 5, paused: 3, atOnce: 5 };

/** The short form of the benchmark, in the user's own home: a task and a few runs, which are removed again. */
export async function benchShort(client: Client, options: ShortOptions): Promise<Report> {
  const { signal, onStep, onEvent } = options;
  onStep("starting a task");
  const { task_id } = await client.call("task.create", { environment: ENVIRONMENT }, { signal, onEvent });
  const directory = await mkdtemp(join(tmpdir(), "pyro-bench-"));
  try {
    const conditions = await readConditions(client);
    const inside = await measureSection("inside", () => inPlaces(client, task_id, directory, options));
    const outside = await measureSection("outside", () => startTables(client, options));
    return { format: 1, conditions, sections: [inside, outside] };
  } finally {
    await client.call("task.delete", { task_id });
    await rm(directory, { recursive: true, force: true });
  }
}

async function inPlaces(
  client: Client,
  taskId: string,
  directory: string,
  { signal, onStep }: ShortOptions,
): Promise<Table[]> {
  const places: Place[] = [];
  try {
    places.push(openHost({ directory: await makeDirectory(directory, "host") }));
    places.push(openTask(client, taskId, { signal }));
    const runsc = await openRunsc({ directory: await makeDirectory(directory, "runsc") });
    if (runsc) places.push(runsc);
    const title = `Inside a VM of ${ENVIRONMENT}: the same work in each place, in turn, ${ROUNDS} rounds`;
    return [await measureInside({ title, places, workloads, rounds: ROUNDS, signal, onWorkload: onStep })];
  } finally {
    for (const place of places) await place.close();
  }
}

async function startTables(client: Client, { signal, onStep }: ShortOptions): Promise<Table[]> {
  onStep("`pyro run` back to back, every few seconds, and several at once");
  const env = { ...process.env, PYRO_HOME: client.home.path };
  const runsc = await findRunsc("none");
  const starters = [
    buildPyroRun(env),
    ...(runsc ? [{ name: "`runsc do true`", command: [...runsc, "true"], env }] : []),
  ];
  return [await measureStarts(starters, COUNTS, signal)];
}

async function makeDirectory(parent: string, name: string): Promise<string> {
  const path = join(parent, name);
  await mkdir(path);
  return path;
}
