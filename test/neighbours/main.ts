import assert from "node:assert/strict";
import { loadavg } from "node:os";

import { median, timeMs } from "../../src/bench/numbers.js";
import { readProcessIdentity, sendSignal } from "../../src/host/process.js";
import { TaskScratch } from "../faults/task-scratch.js";
import { attack, attacks, type Attack } from "./attacks.js";

const PAIRS = 40;
const FEWEST_PAIRS = 12;
const MOST_RATIO = 2;
/** A disk that is full soon. */
const DISK_MIB = 256;

/**
 * For each attack: the time of a neighbour's commands while a VM does harm, beside that of its commands while the QEMU of that VM is stopped.
 * The two take turns, so that whatever else the host does weighs on both. Fails when the task of the attacker does not say what has
 * happened, or when half of the neighbour's commands take more than twice as long.
 */
async function main(): Promise<void> {
  await using scratch = new TaskScratch();
  const neighbour = await scratch.create();
  const command = () => scratch.execHere(neighbour, "true", {}, 120);
  for (let count = 0; count < 10; count += 1) await command();
  const slow: string[] = [];
  for (const each of attacks) {
    const times: Times = { quiet: [], during: [] };
    // An attack that ends its VM is made again: few commands say little.
    do await measure(scratch, each, command, times);
    while (times.during.length < FEWEST_PAIRS);
    const [quiet, during] = [median(times.quiet), median(times.during)];
    const ratio = during / quiet;
    const figures = `${quiet.toFixed(1)} ms at rest, ${during.toFixed(1)} ms during, ${ratio.toFixed(2)} times`;
    process.stdout.write(`${each.name}: ${figures} (${times.during.length} pairs, load ${loadavg()[0]!.toFixed(1)})\n`);
    if (ratio > MOST_RATIO) slow.push(each.name);
  }
  assert.deepEqual(slow, [], `a neighbour is slower than ${MOST_RATIO} times`);
  process.stdout.write(`passed: ${attacks.length} attacks\n`);
}

/** Times of the neighbour's commands, in ms. */
interface Times {
  readonly quiet: number[];
  readonly during: number[];
}

/** Adds the times of one attack, of at most `PAIRS` pairs. */
async function measure(
  scratch: TaskScratch,
  each: Attack,
  command: () => Promise<unknown>,
  times: Times,
): Promise<void> {
  const task = await scratch.create(each.isCostly ? { disk_mib: DISK_MIB } : {});
  const attacker = readProcessIdentity(scratch.qemuOf(task));
  assert.ok(attacker, "the attacker's VM has ended before its attack");
  let isOver = false;
  const attacked = attack(scratch, task, each).finally(() => (isOver = true));
  attacked.catch(() => {});
  const turns = [
    async () => void times.during.push(await timeMs(command)),
    async () => {
      sendSignal(attacker, "SIGSTOP");
      times.quiet.push(await timeMs(command));
      sendSignal(attacker, "SIGCONT");
    },
  ];
  const hasEnough = () => isOver || times.during.length >= PAIRS;
  do {
    for (const turn of turns) await turn();
    // The first of a pair is not always the same, so that a host that gets busier favours neither.
    turns.reverse();
  } while (!hasEnough());
  await attacked;
  await scratch.delete(task);
}

await main();
