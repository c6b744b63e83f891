import assert from "node:assert/strict";
import { realpathSync, rmSync } from "node:fs";
import { test } from "node:test";

import type { ResultOf } from "../../src/contract/operations.js";
import { untilGone } from "../client/scratch.js";
import { TaskScratch } from "./task-scratch.js";

const COUNTER = "(i=0; while :; do i=$((i+1)); echo $i >/run/new; mv /run/new /run/count; sleep 0.05; done)";

test("daemon stop --save, then a reboot: the tasks were stopped, and their processes continue with the next command", async () => {
  await using scratch = new TaskScratch();
  const tasks = [await scratch.create(), await scratch.create()];
  const start = `${COUNTER} >/dev/null 2>&1 & until [ -e /run/count ]; do sleep 0.05; done; cat /run/count`;
  const counts = await Promise.all(tasks.map(async (task) => Number((await scratch.execHere(task, start)).stdout)));
  // No task is lost because no daemon runs.
  await scratch.killDaemon();
  const stopped = await scratch.json<ResultOf<"daemon.stop">>("daemon", "stop", "--save");
  assert.deepEqual([stopped.stopped, stopped.saved, stopped.unsaved], [true, tasks.toSorted(), []]);
  await untilGone(scratch.home);
  rmSync(realpathSync(`${scratch.home}/run`), { recursive: true });

  for (const [index, task] of tasks.entries()) {
    assert.equal((await scratch.status(task)).state, "stopped");
    const beyond = `until [ $(cat /run/count) -gt ${counts[index]} ]; do sleep 0.05; done`;
    assert.equal((await scratch.execHere(task, beyond)).exit_code, 0);
    assert.equal((await scratch.status(task)).state, "started");
    await scratch.delete(task);
  }
  const again = await scratch.json<ResultOf<"daemon.stop">>("daemon", "stop", "--save");
  assert.deepEqual([again.saved, again.unsaved], [[], []]);
});
