import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import type { InputOf } from "../../src/contract/operations.js";
import { waitForOutput } from "../../src/core/tasks/exec-output.js";
import type { TaskExec } from "../../src/core/tasks/task-exec.js";
import { openOutputLog } from "../../src/store/output-log.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** A command that runs on and prints nothing. */
async function quietExec(context: TestContext): Promise<TaskExec> {
  const directory = mkdtempSync(join(tmpdir(), "pyro-output-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const logs = { stdout: await openOutputLog(directory, "stdout"), stderr: await openOutputLog(directory, "stderr") };
  return { isRunning: true, done: new Promise(() => {}), output: () => Promise.resolve(logs) } as unknown as TaskExec;
}

function inputOf(waitSeconds: number): InputOf<"task.exec_output"> {
  return {
    task_id: "task-00000000000a",
    sequence: 1,
    stdout_offset: 0,
    stderr_offset: 0,
    max_bytes: 1024,
    encoding: "utf8",
    wait_for: "output",
    wait_seconds: waitSeconds,
  };
}

/** Collects garbage until the work ends; false when it has not ended at the deadline. */
async function endsDespiteCollection(work: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  const collecting = setInterval(collectGarbage, 10);
  let deadline: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (deadline = setTimeout(resolve, deadlineMs, false)));
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearInterval(collecting);
    clearTimeout(deadline);
  }
}

test("a wait for output ends after wait_seconds while garbage is collected", async (t) => {
  const work = quietExec(t).then((exec) => waitForOutput(exec, inputOf(1), new AbortController().signal));
  assert.equal(await endsDespiteCollection(work, 5_000), true);
});

test("a wait for output ends with the caller's reason while garbage is collected", async (t) => {
  const caller = new AbortController();
  const work = quietExec(t).then((exec) => waitForOutput(exec, inputOf(300), caller.signal));
  const timer = setTimeout(() => caller.abort(new Error("the caller left")), 500);
  await assert.rejects(endsDespiteCollection(work, 5_000), /the caller left/);
  clearTimeout(timer);
});
