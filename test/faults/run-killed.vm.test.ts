import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { isAlive } from "../../src/host/process.js";
import { random } from "../seed.js";
import { endOf, kill, until, untilGone } from "../client/scratch.js";
import { RunningRun } from "../kills/cast.js";
import { roundsOr, TaskScratch } from "./task-scratch.js";

/** From the first request until well after the command runs. */
const LATEST_MS = 800;

let scratch: TaskScratch;
before(() => {
  scratch = new TaskScratch();
});
after(() => scratch[Symbol.asyncDispose]());

for (const flags of [[], ["--network"]]) {
  const words = ["run", ...flags, "--mem-mib", "256", "debian:12", "--"];
  test(`${words.join(" ")}: a daemon killed at any moment leaves no process, and the next daemon removes its files`, async () => {
    assert.equal((await scratch.pyro([...words, "true"])).status, 0);
    const rounds = roundsOr(8);
    for (let round = 0; round < rounds; round += 1) {
      const pid = await scratch.daemonPid();
      const running = scratch.start([...words, "sleep", "60"]);
      const ended = endOf(running);
      await sleep((LATEST_MS * (round + random())) / rounds);
      // A client that has not asked yet would start the next daemon.
      running.kill("SIGSTOP");
      kill(pid);
      await untilGone(scratch.home, running.pid);
      running.kill("SIGKILL");
      await ended;
      const { status, stderr } = await scratch.pyro(["env", "list"]);
      assert.equal(status, 0, stderr);
      assert.deepEqual(scratch.leftovers(), []);
    }
  });
}

test("run: a keeper that is killed takes the VM with it, and the run fails", async () => {
  const run = await RunningRun.start(scratch);
  kill(run.keeper.pid);
  assert.equal(await run.ended, 125);
  await until("QEMU has ended", () => !isAlive(run.qemu));
});
