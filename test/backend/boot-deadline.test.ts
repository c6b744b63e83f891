import assert from "node:assert/strict";
import { test } from "node:test";

import { computeBootDeadline, computeSectorDeadline } from "../../src/backend/qemu/boot-deadline.js";

test("a host that starts programs slowly: the boot sector gets more time, up to a limit", () => {
  assert.deepEqual([0, 30, 80, 10_000].map(computeSectorDeadline), [5_000, 5_000, 8_000, 30_000]);
});

test("a host that runs the boot sector slowly: a template gets more time, up to a limit", () => {
  assert.deepEqual([100, 200, 700, 9_000].map(computeBootDeadline), [10_000, 10_000, 35_000, 300_000]);
});

test("an accelerator whose boot sector was not timed: a template gets the time limit of emulation", () => {
  assert.equal(computeBootDeadline(null), 90_000);
});
