import assert from "node:assert/strict";
import { test } from "node:test";

import { renderTimeout } from "../../../src/doors/cli/timeout.js";
import { renderResult } from "../../../src/doors/mcp/render.js";

test("a time-out on an emulated CPU names the ways to give all commands more time", () => {
  assert.match(
    renderTimeout({ duration_ms: 1000, accelerator: "tcg" }),
    /emulated.*PYRO_TIMEOUT_SECONDS.*task create/s,
  );
  for (const accelerator of ["kvm", null])
    assert.doesNotMatch(renderTimeout({ duration_ms: 1000, accelerator }), /emulated|PYRO_TIMEOUT_SECONDS/);
});

for (const sequence of [undefined, 3]) {
  test(`the time-out of ${sequence ? "a task's command" : "vm_run"} on an emulated CPU: the answer for a model says so`, () => {
    const result = { sequence, exit_code: 124, timed_out: true, duration_ms: 1000, stdout: "", stderr: "" };
    assert.match(renderResult("any", { ...result, accelerator: "tcg" }), /emulated.*timeout_seconds/s);
    assert.doesNotMatch(renderResult("any", { ...result, accelerator: "kvm" }), /emulated/);
  });
}

test("a command in the background that timed out: the answer for a model says so", () => {
  const page = { sequence: 3, state: "ended", complete: true, exit_code: 124, timed_out: true, duration_ms: 1000 };
  assert.match(renderResult("task_exec_output", { ...page, stdout: "", stderr: "" }), /time-out.*124/);
});
