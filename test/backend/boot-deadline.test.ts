import assert from "node:assert/strict";
import { test } from "node:test";

import { computeBootDeadline, computeSectorDeadline } from "../../src/backend/qemu/boot-deadline.js";

test("a host where things start slowly gives the boot sector longer, within bounds", () => {
  assert.deepEqual([0, 30, 80, 10_000].map(computeSectorDeadline), [5_000, 5_000, 8_000, 30_000]);
});

test("a host where the boot sector takes long gives a template longer, within bounds", () => {
  assert.deepEqual([100, 200, 700, 9_000].map(computeBootDeadline), [10_000, 10_000, 35_000, 300_000]);
});

test("an accelerator whose boot sector was not timed has the time of emulation to boot a template", () => {
  assert.equal(computeBootDeadline(null), 90_000);
});
