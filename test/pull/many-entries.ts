import assert from "node:assert/strict";
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { limits } from "../../src/contract/limits.js";
import { PulledProject } from "../core/workspace/pulled-project.js";

const IN_ONE = 10_000;
const MIB_KIB = 1_024;

/** The largest memory that this process, which is client and daemon, has had. */
const peakMib = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / MIB_KIB;

test("a workspace with more entries than a list may have: diff and pull fail with RESOURCE_EXHAUSTED, and write nothing", async (t) => {
  await using project = await PulledProject.open(t, {});
  for (let directory = 0; directory <= limits.importEntries / IN_ONE; directory++) {
    const path = join(project.workspace, `d${directory}`);
    mkdirSync(path);
    for (let file = 0; file < IN_ONE; file++) closeSync(openSync(join(path, `f${file}`), "wx"));
  }
  const before = peakMib();
  for (const act of [() => project.pull(), () => project.client.call("task.diff", { task_id: project.taskId })]) {
    const started = performance.now();
    await assert.rejects(act(), { code: "RESOURCE_EXHAUSTED" });
    t.diagnostic(
      `refused after ${Math.round(performance.now() - started)} ms, memory ${Math.round(peakMib())} MiB at most, ${Math.round(before)} before`,
    );
  }
  assert.deepEqual(readdirSync(project.host), []);
});
