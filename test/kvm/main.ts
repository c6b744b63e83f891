import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { findQemu, readConsoleEnd, runOuterVm } from "./outer-vm.js";
import { makePayload } from "./payload.js";
import { renderCheck, type Report } from "./report.js";
import { ensureSystem } from "./system.js";
import { run } from "./tool.js";

/** How long a step may take. The checks in the outer VM have their own limit, which ends before this one. */
const LIMIT_MS = {
  environment: 1_800_000,
  system: 1_800_000,
  payload: 300_000,
  boot: 600_000,
  check: 660_000,
  end: 120_000,
};

const checkout = fileURLToPath(new URL("../../../", import.meta.url));
const cache = join(checkout, ".test-kvm");
/** The home of the other VM tests, for its environment and its toolchain. */
const home = join(checkout, ".test-home");
const payload = join(cache, "payload.img");
const consolePath = join(cache, "console.log");

const abort = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => abort.abort(new Error(signal)));
let failures = 0;

/** Aborts everything unless the step ends within the limit. */
class Watch {
  #timer: NodeJS.Timeout | undefined;

  expect(what: string, limitMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => abort.abort(new Error(`${what}: not over after ${limitMs / 1000} s`)), limitMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

const watch = new Watch();

function print(passed: boolean, title: string, note: string, ms: number): void {
  if (!passed) failures++;
  process.stdout.write(`${renderCheck(passed, title, note, ms)}\n`);
}

/** A step on this host, which the following steps need. */
async function prepare<T>(
  title: string,
  limitMs: number,
  work: () => Promise<T>,
  note: (result: T) => string,
): Promise<T> {
  const started = performance.now();
  watch.expect(title, limitMs);
  const result = await work();
  print(true, title, note(result), performance.now() - started);
  return result;
}

async function pullEnvironment(): Promise<void> {
  if (existsSync(join(home, "environments", "names", "debian_12.json"))) return;
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const env = { ...process.env, PYRO_HOME: home };
  const pyro = join(checkout, "bin", "pyro");
  await run([pyro, "env", "pull", "debian:12"], abort.signal, env);
  await run([pyro, "daemon", "stop"], abort.signal, env);
}

function onReport(report: Report): void {
  if (report.kind === "start") watch.expect(report.title, LIMIT_MS.check);
  else if (report.kind === "end") watch.expect("power-off of the outer VM", LIMIT_MS.end);
  else print(report.kind === "ok", report.title, report.note, report.ms);
}

async function main(): Promise<void> {
  mkdirSync(cache, { recursive: true });
  await prepare("environment debian:12", LIMIT_MS.environment, pullEnvironment, () => "");
  const build = () => ensureSystem(cache, abort.signal);
  const system = await prepare("outer system", LIMIT_MS.system, build, ({ reused }) => (reused ? "reused" : "built"));
  const make = () => makePayload(checkout, home, payload, abort.signal);
  await prepare("disk with this checkout", LIMIT_MS.payload, make, () => "");
  const qemu = await findQemu(home);
  const files = { kernel: system.kernel, initrd: system.initrd, system: system.disk, payload, console: consolePath };
  watch.expect(`boot of the outer VM with ${qemu.version}`, LIMIT_MS.boot);
  await runOuterVm(qemu.words, files, onReport, abort.signal);
}

const started = performance.now();
try {
  await main();
} catch (error) {
  const reason = abort.signal.aborted ? abort.signal.reason : error;
  print(false, "outer VM", String(reason), performance.now() - started);
  process.stdout.write(`${readConsoleEnd(consolePath)}\n`);
} finally {
  watch.stop();
  rmSync(payload, { force: true });
}
const seconds = Math.round((performance.now() - started) / 1000);
process.stdout.write(`test-kvm: ${failures === 0 ? "passed" : `${failures} failed`}, ${seconds} s\n`);
process.exitCode = failures === 0 ? 0 : 1;
