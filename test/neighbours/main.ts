import assert from "node:assert/strict";
import { loadavg } from "node:os";

import { median, timeMs } from "../../src/bench/numbers.js";
import { TaskScratch } from "../faults/task-scratch.js";
import { attack, attacks } from "./attacks.js";

const COMMANDS = 30;
const MOST_RATIO = 2;
/** A disk that is full soon. */
const DISK_MIB = 256;

/**
 * For each attack: the time of a neighbour's commands while a VM does harm, beside that of its commands while the other VM rests. Fails when
 * the task of the attacker does not say what has happened, or when half of the neighbour's commands take more than twice as long.
 */
async function main(): Promise<void> {
  await using scratch = new TaskScratch();
  const neighbour = await scratch.create();
  const command = () => scratch.execHere(neighbour, "true", {}, 120);
  for (let count = 0; count < 10; count += 1) await command();
  const slow: string[] = [];
  for (const each of attacks) {
    const task = await scratch.create(each.isCostly ? { disk_mib: DISK_MIB } : {});
    const quiet = await sample(command, COMMANDS);
    let isOver = false;
    const attacked = attack(scratch, task, each).finally(() => (isOver = true));
    attacked.catch(() => {});
    const during = await sample(command, COMMANDS, () => isOver);
    await attacked;
    await scratch.delete(task);
    const ratio = median(during) / median(quiet);
    const figures = `${median(quiet).toFixed(1)} ms at rest, ${median(during).toFixed(1)} ms during, ${ratio.toFixed(2)} times`;
    process.stdout.write(`${each.name}: ${figures} (${during.length} commands, load ${loadavg()[0]!.toFixed(1)})\n`);
    if (ratio > MOST_RATIO) slow.push(each.name);
  }
  assert.deepEqual(slow, [], `a neighbour is slower than ${MOST_RATIO} times`);
  process.stdout.write(`passed: ${attacks.length} attacks\n`);
}

/** Times of commands, one after the other, at least one, until there are enough or it is over. */
async function sample(command: () => Promise<unknown>, most: number, isOver = () => false): Promise<number[]> {
  const times: number[] = [];
  do times.push(await timeMs(command));
  while (times.length < most && !isOver());
  return times;
}

await main();
