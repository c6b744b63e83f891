import assert from "node:assert/strict";
import { test } from "node:test";

import { parseInput } from "../../../src/contract/input.js";
import { operations } from "../../../src/contract/operations.js";
import type { Call } from "../../../src/core/call.js";
import type { Core } from "../../../src/core/core.js";
import { taskExec } from "../../../src/core/exec/follow.js";
import { Cancellation } from "../../../src/daemon/cancellation.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

/** A call whose caller cancels when it is called back at a stage. */
function cancelling(isTime: (stage: string) => boolean): Call {
  const controller = new AbortController();
  const cancellation = new Cancellation({
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    finish() {},
  });
  const pass = (stage: string) => {
    if (isTime(stage) && !cancellation.isRequested) cancellation.request("INT");
  };
  return {
    ...{ signal: controller.signal, stdin: null, upload: null, onResize: () => () => {} },
    isCancelled: () => cancellation.isRequested,
    onInterrupt: (listener) => cancellation.onInterrupt(listener),
    mark: pass,
    emit: async ({ event }) => pass(event),
  };
}

for (const stage of ["journal", "started"]) {
  test(`task exec: a command whose caller cancels at "${stage}", before it follows the output, gets INT and is not killed`, async (t) => {
    await using machines = new AgentMachines();
    const { daemon, tasks, pyro } = await openTasks(temporaryDirectory(t), machines);
    await using _ = daemon;
    await using task = await pyro.createTask("debian:12");
    const command = "exec sleep 1000";
    const input = parseInput(operations["task.exec"].input, { task_id: task.taskId, command, cwd: "/" });
    const result = await taskExec(
      { tasks } as Core,
      { ...input, command },
      cancelling((name) => name === stage),
    );
    assert.deepEqual([result.aborted, result.exit_code, result.timed_out], [true, 130, false]);
  });
}
