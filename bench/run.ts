import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { median, quantile, timeMs } from "../src/bench/numbers.js";
import { findRunsc } from "../src/bench/places.js";
import { buildPyroRun, measureStarts, pyroPath, runStarter, type Starter } from "../src/bench/starts.js";
import { column, type Table } from "../src/bench/table.js";
import { openClient, type Client } from "../src/client/client.js";
import { findProgram } from "../src/host/find-program.js";
import { untilCheckpointed } from "./checkpoint.js";
import type { BenchHome } from "./home.js";
import { rounds } from "./rounds.js";

const COUNTS = { blocks: rounds(4), runs: 5, paused: rounds(5), atOnce: 20 };
const RUNS = rounds(10);
const SPARE_DEADLINE_MS = 60_000;
const POLL_MS = 20;

/** `pyro run` as a user runs it, in each pattern of use beside gVisor, then beside other programs of this host. */
export async function benchRun({ env, home }: BenchHome): Promise<Table[]> {
  const pyro = buildPyroRun(env);
  const runsc = await findRunsc("none");
  const ofRunsc = runsc ? [{ name: "`runsc do true`", command: [...runsc, "true"], env }] : [];
  await runStarter(pyro);
  await untilCheckpointed(home.path);
  const patterns = await measureStarts([pyro, ...ofRunsc], COUNTS);
  const notes = runsc ? [] : ["runsc is not installed or does not run here."];
  return [{ ...patterns, notes }, await measureAlone(pyro, ofRunsc, { env, home })];
}

/** The time to start a VM alone, in turn with other processes. */
async function measureAlone(
  pyro: Starter,
  runsc: readonly Starter[],
  { env, home }: Omit<BenchHome, "remove">,
): Promise<Table> {
  const client = openClient(env);
  const [bwrap, runc] = [await findProgram("bwrap"), await findProgram("runc")];
  const starters: readonly Starter[] = [
    ...runsc,
    { name: "`node -e 0`", command: [process.execPath, "-e", "0"], env },
    ...(bwrap ? [{ name: "`bwrap`, `true` on the host's files", command: buildBwrap(bwrap), env }] : []),
    ...(runc ? [{ name: "`runc`, `true` on the host's files", command: buildRunc(runc, home.path), env }] : []),
  ];
  const withoutSpare = "`pyro run`, no spare VM is ready";
  const withSpare = "`vm.run` from the SDK, a spare VM is ready";
  const run = () => client.call("vm.run", { environment: "debian:12", command: "true" });
  const samples = new Map<string, number[]>();
  const add = async (name: string, work: () => Promise<unknown>) =>
    samples.set(name, [...(samples.get(name) ?? []), await timeMs(work)]);
  for (let round = 0; round < RUNS; round++) {
    await runStarter({ command: [process.execPath, pyroPath, "env", "prune", "--dry-run"], env });
    await add(withoutSpare, () => runStarter(pyro));
    // After the second run a spare is made.
    await run();
    await untilSpare(client);
    await add(withSpare, run);
    for (const starter of starters) await add(starter.name, () => runStarter(starter));
  }
  const base = median(samples.get(withoutSpare)!);
  return {
    title: "The same, each in turn",
    columns: [
      column.text("what"),
      column.count("n"),
      column.ms("p50"),
      column.ms("p90"),
      column.ratio("first line ÷ this"),
    ],
    rows: [...samples].map(([name, times]) => [
      name,
      times.length,
      median(times),
      quantile(times, 0.9),
      base / median(times),
    ]),
  };
}

async function untilSpare(client: Client): Promise<void> {
  for (let left = SPARE_DEADLINE_MS; left > 0; left -= POLL_MS) {
    if ((await client.call("daemon.status", {})).spare_vms > 0) return;
    await sleep(POLL_MS);
  }
  throw new Error("the daemon makes no spare VM");
}

function buildBwrap(program: string): string[] {
  return [program, "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "true"];
}

function buildRunc(program: string, homePath: string): string[] {
  const directory = join(homePath, "other-runc");
  mkdirSync(directory, { recursive: true });
  const rootless = process.geteuid?.() === 0 ? [] : ["--rootless"];
  const spec = spawnSync(program, ["spec", ...rootless], { cwd: directory, encoding: "utf8" });
  if (spec.status !== 0) throw new Error(spec.stderr);
  const path = join(directory, "config.json");
  const config = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  const process_ = { ...(config["process"] as object), terminal: false, args: ["true"] };
  writeFileSync(path, JSON.stringify({ ...config, process: process_, root: { path: "/", readonly: true } }));
  return [program, "--root", join(directory, "state"), "run", "--bundle", directory, "pyro-bench"];
}
