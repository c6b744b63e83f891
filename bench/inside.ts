import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { measureInside } from "../src/bench/inside.js";
import { median, timeMs } from "../src/bench/numbers.js";
import { openHost, openRunsc, openTask, type Place } from "../src/bench/places.js";
import { column, type Table } from "../src/bench/table.js";
import { workloads } from "../src/bench/workloads.js";
import { openClient } from "../src/client/client.js";
import { runForExit } from "../src/guest/run-for-exit.js";
import { wake } from "../src/guest/wake.js";
import { Pyro, type Task } from "../src/index.js";
import { openBackend } from "./backend.js";
import { untilCheckpointed } from "./checkpoint.js";
import type { BenchHome } from "./home.js";
import { packageWorkloads } from "./package-workloads.js";
import { rounds } from "./rounds.js";
import { openStandIn } from "./stand-in.js";

/** The environment with a compiler, Node.js and npm. */
const ENVIRONMENT = "debian:12-build";
const ROUNDS = rounds(5);
const CALL_ROUNDS = rounds(50);

/** The same work on the host, in a task and in gVisor, in turn; then one command from the SDK and straight from the agent, in turn. */
export async function benchInside(bench: BenchHome): Promise<Table[]> {
  const standIn = await openStandIn(join(bench.home.path, "stand-in"));
  const pyro = new Pyro({ home: bench.home.path });
  const address = `127.0.0.1:${standIn.port}`;
  const create = () => pyro.createTask(ENVIRONMENT, { network: true, networkAllow: [address] });
  const first = await create();
  await untilCheckpointed(bench.home.path);
  await first.delete();
  const task = await create();
  const plain = await pyro.createTask("debian:12");
  try {
    return [await benchWorkloads(bench, task, standIn.port), await benchCall(bench, plain)];
  } finally {
    await Promise.all([task.delete(), plain.delete()]);
    standIn.close();
  }
}

async function benchWorkloads({ home, env }: BenchHome, task: Task, port: number): Promise<Table> {
  const client = openClient(env);
  const { network } = await client.call("task.status", { task_id: task.taskId });
  const gateway = network?.routes[0]?.gateway;
  const directory = join(home.path, "inside");
  const at = (name: string) => {
    mkdirSync(join(directory, name), { recursive: true });
    return { directory: join(directory, name), env: { STAND_IN: `http://127.0.0.1:${port}` } };
  };
  const places: Place[] = [];
  try {
    places.push(openHost(at("host")));
    places.push(openTask(client, task.taskId, { env: { STAND_IN: `http://${gateway}:${port}` } }));
    const runsc = await openRunsc(at("runsc"));
    if (runsc) places.push(runsc);
    return await measureInside({
      title: `Inside a VM of ${ENVIRONMENT}: the same work in each place, in turn, ${ROUNDS} rounds`,
      places,
      workloads: [...workloads, ...packageWorkloads],
      rounds: ROUNDS,
      onWorkload: (name) => process.stderr.write(`inside: ${name}\n`),
    });
  } finally {
    for (const place of places) await place.close();
    rmSync(directory, { recursive: true });
  }
}

/** Compares a command that goes through SDK and daemon with one that this process sends to the agent of a similar VM. */
async function benchCall({ home }: BenchHome, task: Task): Promise<Table> {
  const { backend, environment, release } = await openBackend(home);
  const { vcpuCount, memMib, diskMib } = task.info;
  const shape = { vcpuCount, memMib, diskMib, network: false };
  const { signal } = new AbortController();
  const options = { signal, onProgress: () => {}, network: null };
  const machine = await backend.start("vm-bench-inside", environment, shape, options);
  const straight: number[] = [];
  const sdk: number[] = [];
  try {
    await wake(machine.channel, "bench");
    for (let round = 0; round < CALL_ROUNDS; round++) {
      straight.push(await timeMs(() => runForExit(machine.channel, "true")));
      sdk.push(await timeMs(() => task.exec("true")));
    }
  } finally {
    await machine.destroy();
    release();
  }
  const row = (name: string, times: readonly number[]) => [
    name,
    median(times),
    Math.min(...times),
    median(times) / median(straight),
  ];
  return {
    title: `One \`true\` in a VM that runs, in turn, ${CALL_ROUNDS} rounds`,
    columns: [column.text("what"), column.ms("p50"), column.ms("best"), column.ratio("÷ straight")],
    rows: [row("straight to the agent", straight), row("`task.exec` of the SDK", sdk)],
  };
}
