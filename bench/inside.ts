import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";

import { Pyro, type Task } from "../src/index.js";
import { runForExit } from "../src/guest/exec.js";
import { wake } from "../src/guest/wake.js";
import { openBackend } from "./backend.js";
import type { BenchHome } from "./home.js";
import { median, printTable, renderMs, renderRatio, timeMs } from "./numbers.js";
import { workloads, type Workload } from "./workloads.js";

const ROUNDS = 5;
const CALL_ROUNDS = 50;
/** An emulated guest on a busy host is slow; nothing here hangs. */
const TIMEOUT_SECONDS = 3_600;
const PLAIN_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Where a workload runs. Each call gets a line of `sh`; a status other than 0 is thrown. */
type Place = (line: string) => Promise<void> | void;

/** The same work on the host and in a task, in turn; then one command from the SDK and straight from the agent, in turn. */
export async function benchInside(bench: BenchHome, environment = "debian:12"): Promise<void> {
  const pyro = new Pyro({ home: bench.home.path });
  const task = await pyro.createTask(environment);
  try {
    await benchWorkloads(bench, environment, task);
    await benchCall(bench, task);
  } finally {
    await task.delete();
  }
}

async function benchWorkloads({ home }: BenchHome, environment: string, task: Task): Promise<void> {
  const directory = join(home.path, "inside");
  mkdirSync(directory);
  const host: Place = (line) => runOnHost(directory, line);
  const guest: Place = (line) => runInTask(task, line);
  const rows: string[][] = [];
  for (const workload of workloads) {
    if (!(await hasPrograms(workload, [host, guest]))) continue;
    const [onHost, inGuest] = await measureInTurn(workload, [host, guest]);
    rows.push([
      workload.name,
      renderMs(median(onHost)),
      renderMs(median(inGuest)),
      renderRatio(median(inGuest) / median(onHost)),
    ]);
  }
  rmSync(directory, { recursive: true });
  const load = loadavg()[0]?.toFixed(1);
  printTable(`Inside ${environment}, ${ROUNDS} rounds (load ${load})`, ["what", "host", "guest", "guest ÷ host"], rows);
}

async function hasPrograms({ needs }: Workload, places: readonly Place[]): Promise<boolean> {
  try {
    for (const place of places) await place(["true", ...needs.map((program) => `test -x ${program}`)].join(" && "));
    return true;
  } catch {
    return false;
  }
}

/** Milliseconds of each round, for each place. */
async function measureInTurn(workload: Workload, places: readonly [Place, Place]): Promise<[number[], number[]]> {
  const times: [number[], number[]] = [[], []];
  for (const place of places) await place(`true; ${workload.prepare}`);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, place] of places.entries()) {
      if (workload.before) await place(workload.before);
      times[index]?.push(await timeMs(() => place(workload.run)));
    }
  }
  return times;
}

function runOnHost(directory: string, line: string): void {
  const env = { PATH: PLAIN_PATH, HOME: directory };
  const { status, stderr } = spawnSync("sh", ["-c", line], { cwd: directory, env, encoding: "utf8" });
  if (status !== 0) throw new Error(`on the host, status ${status}: ${line}\n${stderr}`);
}

async function runInTask(task: Task, line: string): Promise<void> {
  const { exitCode, stderr } = await task.exec(line, { timeoutSeconds: TIMEOUT_SECONDS });
  if (exitCode !== 0) throw new Error(`in the guest, status ${exitCode}: ${line}\n${stderr}`);
}

/** A command through SDK and daemon beside the same sent to the agent of a VM like it, from this process. */
async function benchCall({ home }: BenchHome, task: Task): Promise<void> {
  const { backend, environment, release } = await openBackend(home);
  const { vcpuCount, memMib, diskMib } = task.info;
  const shape = { vcpuCount, memMib, diskMib, network: false };
  const { signal } = new AbortController();
  const options = { signal, onProgress: () => {}, persistent: false, network: null };
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
  printTable(
    `One \`true\` in a VM that runs, ${CALL_ROUNDS} rounds (load ${loadavg()[0]?.toFixed(1)})`,
    ["what", "p50", "best", "÷ straight"],
    [
      ["straight to the agent", renderMs(median(straight)), renderMs(Math.min(...straight)), ""],
      [
        "`task.exec` of the SDK",
        renderMs(median(sdk)),
        renderMs(Math.min(...sdk)),
        renderRatio(median(sdk) / median(straight)),
      ],
    ],
  );
}
