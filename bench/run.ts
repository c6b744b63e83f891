import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { findProgram } from "../src/host/files.js";
import type { BenchHome } from "./home.js";
import { median, printTable, quantile, renderMs, renderRatio, timeMs } from "./numbers.js";

const RUNS = 20;
const ALONE_RUNS = 10;

export const pyroPath = fileURLToPath(new URL("../../bin/pyro", import.meta.url));

/** `pyro run` as a person meets it, beside what else can be started on this host. Returns the median in a burst, in ms. */
export async function benchRun({ env, home }: BenchHome): Promise<number> {
  const pyro = [process.execPath, pyroPath, "run", "debian:12", "--", "true"];
  const alone = await aloneSamples(pyro, env);
  sample(pyro, env);
  sample(pyro, env);
  const measured: (readonly [string, readonly number[]])[] = [
    ["`pyro run debian:12 -- true`, one after the other", await samples(pyro, env)],
    ["`pyro run debian:12 -- true`, alone: no spare VM is ready", alone],
    ["`node -e 0`", await samples([process.execPath, "-e", "0"], env)],
  ];
  const notes: string[] = [];
  for (const [name, build] of others) {
    const program = await findProgram(name);
    if (program === null) {
      notes.push(`${name} is not installed.`);
      continue;
    }
    try {
      const command = build(program, join(home.path, `other-${name}`));
      measured.push([`\`${name}\`, \`true\` on the host's files`, await samples(command, env)]);
    } catch (error) {
      notes.push(`${name} does not run here: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const base = median(measured[0]?.[1] ?? []);
  printTable(
    "One command in a sandbox of its own, from process start to exit",
    ["what", "n", "p50", "p90", "first line ÷ this"],
    measured.map(([name, times], index) => [
      name,
      String(times.length),
      renderMs(median(times)),
      renderMs(quantile(times, 0.9)),
      index === 0 ? "" : renderRatio(base / median(times)),
    ]),
  );
  if (notes.length > 0) process.stdout.write(`\n${notes.join(" ")}\n`);
  return base;
}

/** Other ways to run a command apart from the host: program and a directory of its own to the command line. */
const others: readonly (readonly [string, (program: string, directory: string) => string[]])[] = [
  ["bwrap", (program) => [program, "--unshare-all", "--ro-bind", "/", "/", "--dev", "/dev", "true"]],
  ["runc", buildRunc],
  [
    "runsc",
    (program) => [program, ...(process.geteuid?.() === 0 ? [] : ["--rootless"]), "--network=none", "do", "true"],
  ],
];

function buildRunc(program: string, directory: string): string[] {
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

/** Between two runs a prune that only looks has the daemon drop its spares. */
async function aloneSamples(pyro: readonly string[], env: NodeJS.ProcessEnv): Promise<number[]> {
  const drop = [...pyro.slice(0, 2), "env", "prune", "--dry-run"];
  const times: number[] = [];
  sample(pyro, env);
  for (let index = 0; index < ALONE_RUNS; index++) {
    sample(drop, env);
    times.push(await timeMs(() => sample(pyro, env)));
  }
  return times;
}

async function samples(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < RUNS; index++) times.push(await timeMs(() => sample(command, env)));
  return times;
}

/** Runs a command to its end; throws when it fails. */
export function sample([program = "", ...args]: readonly string[], env: NodeJS.ProcessEnv): void {
  const { status, stderr, error } = spawnSync(program, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  if (error) throw error;
  if (status !== 0) throw new Error(`status ${status}: ${stderr.toString("utf8").trim()}`);
}
