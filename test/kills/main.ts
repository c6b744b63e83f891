import assert from "node:assert/strict";

import { isAlive } from "../../src/host/process.js";
import { roundsOr, TaskScratch } from "../faults/task-scratch.js";
import { Stage, victims } from "./victims.js";

const ROUNDS = 15;

/**
 * Kills the daemon, QEMU, the gate, the keeper and the client, so many times each, every time exactly the process that was identified
 * before, and checks that what it ran ends or goes on as it must, and that a neighbour's VM is untouched.
 */
async function main(): Promise<void> {
  const rounds = roundsOr(ROUNDS);
  await using scratch = new TaskScratch();
  const stage = await Stage.open(scratch);
  const untouched = stage.qemuOf(stage.neighbour);
  for (const [name, killOne] of Object.entries(victims)) {
    const killed: number[] = [];
    const started = performance.now();
    while (killed.length < rounds) {
      killed.push(await killOne(stage));
      assert.ok(isAlive(untouched), "the neighbour's VM has ended");
      await stage.assertContent(stage.neighbour, "neighbour");
    }
    const seconds = ((performance.now() - started) / 1_000).toFixed(0);
    assert.equal(new Set(killed).size, rounds, "a process was counted twice");
    process.stdout.write(`${name}: ${rounds} killed, processes ${killed.join(" ")}; ${seconds} s\n`);
  }
  process.stdout.write(`passed: ${rounds} rounds of ${Object.keys(victims).join(", ")}\n`);
}

await main();
