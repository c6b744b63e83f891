// Runs the steps of `make check` or `make test`, all of them even when one fails, and prints how long each took and one line about
// the tests at the end. The exit status is 1 when a step failed. Steps that only read files run side by side.
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";

/** The longest first. */
const readers = [
  ["format", "npm", "run", "--silent", "format:check"],
  ["unused code", "npm", "run", "--silent", "unused"],
  ["lint", "npm", "run", "--silent", "lint"],
  ["rendered pages", "npm", "run", "--silent", "docs:check"],
  ["import circles", "npm", "run", "--silent", "circles"],
];
const fast = ["fast tests", "scripts/run-tests.sh", "fast"];
const rest = [
  ["slow tests", "scripts/run-tests.sh", "slow"],
  ["guest agent", "make", "--no-print-directory", "-C", "guest", "test"],
  ["network gate", "make", "--no-print-directory", "-C", "gate", "test"],
  ["keeper", "make", "--no-print-directory", "-C", "keeper", "test"],
  ["program for E2B", "make", "--no-print-directory", "-C", "e2b", "test"],
  ["VM tests", "scripts/run-tests.sh", "vm"],
  ["soak", "env", "PYRO_SOAK_SECONDS=120", "node", "dist/test/soak/main.js"],
];
const plans = { check: [fast], test: [fast, ...rest] };
/** Tests that may be skipped where CI=true, each as it is listed: its title, a colon and its reason. */
const allowedSkips = [];

const plan = plans[process.argv[2]];
if (!plan) {
  process.stderr.write(`usage: node scripts/run-steps.mjs ${Object.keys(plans).join("|")}\n`);
  process.exit(2);
}

const seed = process.env.PYRO_TEST_SEED || String(Math.trunc(Math.random() * 2 ** 32));
const directory = mkdtempSync(join(tmpdir(), "pyro-tests-"));
const extent = process.argv[2] === "test" ? { PYRO_TEST_COVERAGE: "1" } : { PYRO_TEST_BRIEF: "1" };
const env = { ...process.env, ...extent, PYRO_TEST_SEED: seed, PYRO_TEST_COUNTS: directory };
const startedMs = Date.now();
const totals = { passed: 0, failed: 0, skipped: [], coverage: {} };
const failedSteps = [];
const durations = [];

const queue = [...readers];
await Promise.all(
  Array.from({ length: availableParallelism() }, async () => {
    for (let step = queue.shift(); step; step = queue.shift()) await takeStep(step, true);
  }),
);
for (const step of plan) await takeStep(step, false);
for (const file of readdirSync(directory)) add(JSON.parse(readFileSync(join(directory, file), "utf8")));
rmSync(directory, { recursive: true });
report();

async function takeStep([name, program, ...args], isHeld) {
  const stepMs = Date.now();
  if (!(await runStep(program, args, isHeld))) failedSteps.push(name);
  durations.push(`${name} ${seconds(stepMs)}`);
}

/** Runs a step with its output passed on, at once or held until its end. Programs that are not node:test count their tests in a line "N passed, N failed". */
function runStep(program, args, isHeld) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", isHeld ? "pipe" : "inherit"] });
    const held = [];
    let tail = "";
    child.stderr?.on("data", (chunk) => held.push(chunk));
    child.stdout.on("data", (chunk) => {
      if (isHeld) held.push(chunk);
      else process.stdout.write(chunk);
      tail = (tail + chunk).slice(-200);
    });
    child.on("error", (error) => {
      process.stderr.write(`${program}: ${error.message}\n`);
      resolve(false);
    });
    child.on("close", (status) => {
      process.stdout.write(Buffer.concat(held));
      const [, passed, failed] = /^(?:\w+: )?(\d+) passed, (\d+) failed$/m.exec(tail) ?? [];
      if (passed !== undefined) add({ passed: Number(passed), failed: Number(failed), skipped: [] });
      resolve(status === 0);
    });
  });
}

function add({ passed, failed, skipped, coverage = {} }) {
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped.push(...skipped);
  Object.assign(totals.coverage, coverage);
}

function report() {
  const { passed, failed, skipped } = totals;
  for (const line of skipped) process.stdout.write(`skipped: ${line}\n`);
  const refused = process.env.CI === "true" ? skipped.filter((line) => !allowedSkips.includes(line)) : [];
  if (refused.length > 0)
    process.stdout.write(`${refused.length} skipped tests are not in the list of scripts/run-steps.mjs\n`);
  const covered = Object.entries(totals.coverage).map(([folder, lines]) => `${folder} ${percent(lines)}`);
  if (covered.length > 0) process.stdout.write(`lines run by the fast tests: ${covered.join(", ")}\n`);
  process.stdout.write(`steps: ${durations.join(", ")}\n`);
  if (failedSteps.length > 0) process.stdout.write(`failed steps: ${failedSteps.join(", ")}\n`);
  const counts = `${passed} passed, ${failed} failed, ${skipped.length} skipped`;
  process.stdout.write(`${process.argv[2]}: ${counts}, ${seconds(startedMs)}, seed ${seed}\n`);
  process.exit(failedSteps.length > 0 || failed > 0 || refused.length > 0 ? 1 : 0);
}

function percent({ covered, total }) {
  return `${((100 * covered) / total).toFixed(1)} %`;
}

function seconds(sinceMs) {
  return `${Math.round((Date.now() - sinceMs) / 1000)} s`;
}
