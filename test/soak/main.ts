import assert from "node:assert/strict";
import { cpSync, lstatSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { loadavg } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { TaskScratch } from "../faults/task-scratch.js";
import { seed, streamOf } from "../seed.js";
import { Chaos } from "./chaos.js";
import { assertNothingLeft } from "./leaks.js";
import { Ledger } from "./ledger.js";
import { Seen } from "./seen.js";
import { Worker } from "./worker.js";

const DEFAULT_SECONDS = 600;
const CLIENTS = 8;
const DAEMON_KILLS = 5;
/** Where a failed soak leaves its logs. */
const LOGS = fileURLToPath(new URL("../../../.test-soak", import.meta.url));
const SHOWN_LINES = 30;
const SAMPLE_MS = 5_000;
const LOOK_MS = 1_000;
const MIB = 1_048_576;
/** How far a daemon may grow beyond its size in the first half of its life, and its largest size. */
const GROWTH_MIB = 48;
const MOST_MIB = 200;
const MOST_DESCRIPTORS = 512;

interface Sample {
  readonly pid: number;
  readonly memoryMib: number;
  readonly descriptors: number;
}

/**
 * Mixed load of eight clients while clients, QEMUs, gates, helpers and the daemon are killed. Fails when something acknowledged is lost, when
 * anything is left in the end, or when the daemon grows.
 */
async function main(): Promise<void> {
  const seconds = Number(process.env["PYRO_SOAK_SECONDS"] || DEFAULT_SECONDS);
  process.stdout.write(`soak: ${seconds} s, ${CLIENTS} clients, seed ${seed}\n`);
  await using scratch = new TaskScratch();
  assert.equal((await scratch.pyro(["run", "debian:12", "--mem-mib", "256", "--", "true"])).status, 0);
  const ledger = new Ledger();
  const end = performance.now() + seconds * 1_000;
  let hasFailed = false;
  const isOver = () => hasFailed || performance.now() > end;
  const workers = Array.from(
    { length: CLIENTS },
    (_, index) => new Worker(scratch, ledger, `w${index}`, streamOf(seed + index)),
  );
  const chaos = new Chaos(scratch, ledger, workers, streamOf(seed + CLIENTS));
  const samples: Sample[] = [];
  const seen = new Seen(scratch.home);
  const outcomes = await Promise.allSettled(
    [
      ...workers.map((worker) => worker.work(isOver)),
      chaos.killOthers(isOver),
      chaos.killDaemons(DAEMON_KILLS, seconds, isOver),
      watch(scratch, samples, isOver, ledger),
      look(seen, isOver),
    ].map((work) =>
      work.catch((error: unknown) => {
        hasFailed = true;
        throw error;
      }),
    ),
  );
  process.stdout.write(`${ledger.summary()}\n`);
  if (hasFailed) showLogs(scratch);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  await deleteUnknown(scratch, ledger);
  await assertNothingLeft(scratch, seen);
  assertFlat(samples);
  process.stdout.write(`soak of ${seconds} s, seed ${seed}\n1 passed, 0 failed\n`);
}

/** Keeps the logs, and shows the last errors and warnings of the daemons: where CI runs, the files are gone afterwards. */
function showLogs(scratch: TaskScratch): void {
  const lines = readFileSync(join(scratch.home, "daemon.log"), "utf8").split("\n");
  const odd = lines.filter((line) => /"level":(?:[4-6]0|"(?:warn|error|fatal)")/.test(line)).slice(-SHOWN_LINES);
  process.stdout.write(`${odd.map((line) => `${line.slice(0, 500)}\n`).join("")}`);
  process.stdout.write(`the logs of the daemons and tasks are in ${keepLogs(scratch)}\n`);
}

/** Copies the records of a home, but no disks and no memory of VMs, to where they outlive it. */
function keepLogs({ home }: TaskScratch): string {
  rmSync(LOGS, { recursive: true, force: true });
  const isLeftOut = (path: string) => lstatSync(path).isSymbolicLink() || basename(path) === "disk";
  for (const name of ["audit.log", "daemon.log", "tasks"])
    cpSync(join(home, name), join(LOGS, name), { recursive: true, filter: (path) => !isLeftOut(path) });
  return LOGS;
}

/** Deletes the tasks whose ids no client was told: their daemon was killed before it answered. */
async function deleteUnknown(scratch: TaskScratch, ledger: Ledger): Promise<void> {
  const { tasks } = await scratch.client.call("task.list", {});
  const failed = ledger.countOf("failed create") + ledger.countOf("failed fork");
  assert.ok(tasks.length <= failed, `${tasks.length} tasks that nobody made, after ${failed} failures`);
  for (const { task_id } of tasks) {
    assert.ok(!ledger.wasDeleted(task_id), `${task_id} was deleted, and is back`);
    await scratch.delete(task_id);
  }
  process.stdout.write(`${tasks.length} tasks without an answer were deleted\n`);
}

/** Looks at the daemon now and then. One that was killed a moment ago has no figures. */
async function watch(scratch: TaskScratch, samples: Sample[], isOver: () => boolean, ledger: Ledger): Promise<void> {
  for (let count = 1; !isOver(); count += 1) {
    await sleep(SAMPLE_MS);
    const status = await scratch.client.call("daemon.status", {}).catch(() => null);
    if (status?.pid && status.memory_bytes) {
      const descriptors = countDescriptors(status.pid);
      if (descriptors !== null) samples.push({ pid: status.pid, memoryMib: status.memory_bytes / MIB, descriptors });
    }
    const last = samples.at(-1);
    if (count % 12 === 0 && last) {
      const figures = `daemon ${last.memoryMib.toFixed(0)} MiB, ${last.descriptors} descriptors`;
      process.stdout.write(
        `${ledger.tasks.length} tasks, ${figures}, load ${loadavg()[0]!.toFixed(1)}; ${ledger.summary()}\n`,
      );
    }
  }
}

async function look(seen: Seen, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    seen.look();
    await sleep(LOOK_MS);
  }
}

function countDescriptors(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}

function assertFlat(samples: readonly Sample[]): void {
  const most = (of: readonly Sample[]) => Math.max(0, ...of.map(({ memoryMib }) => memoryMib));
  process.stdout.write(`daemons: at most ${most(samples).toFixed(0)} MiB in ${samples.length} samples\n`);
  assert.ok(most(samples) < MOST_MIB, `a daemon takes ${most(samples)} MiB`);
  assert.ok(
    samples.every(({ descriptors }) => descriptors < MOST_DESCRIPTORS),
    "a daemon has too many descriptors",
  );
  for (const pid of new Set(samples.map((sample) => sample.pid))) {
    const own = samples.filter((sample) => sample.pid === pid);
    const [first, second] = [own.slice(0, own.length / 2), own.slice(own.length / 2)];
    if (first.length < 3) continue;
    assert.ok(
      most(second) <= most(first) + GROWTH_MIB,
      `daemon ${pid} has grown from ${most(first)} to ${most(second)} MiB`,
    );
  }
}

await main().catch((error: unknown) => {
  const seconds = process.env["PYRO_SOAK_SECONDS"] ?? DEFAULT_SECONDS;
  process.stdout.write(
    `failed; to repeat the choices: PYRO_SOAK_SECONDS=${seconds} PYRO_TEST_SEED=${seed} make soak\n`,
  );
  throw error;
});
