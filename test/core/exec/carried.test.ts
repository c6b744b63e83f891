import assert from "node:assert/strict";
import { test } from "node:test";

import { adoptCarried } from "../../../src/core/exec/carried.js";
import type { CarriedExec } from "../../../src/store/snapshot-facts.js";
import { startedEntry } from "../../store/scratch.js";

const AT = "2026-02-03T04:05:06.789Z";
const carried = (sequence: number): CarriedExec => ({
  started: { ...startedEntry(sequence), request_id: `request-${sequence}` },
  skipped: { stdout: 10 * sequence, stderr: sequence },
  remaining_seconds: sequence === 1 ? null : 7,
});

test("carried commands: keep their numbers in a fork, without request ids, with the rest of their time", () => {
  const [first, second] = adoptCarried([carried(1), carried(3)], new Set(), AT);
  assert.deepEqual(first, {
    ...startedEntry(1),
    skipped: { stdout: 10, stderr: 1 },
    timeout_seconds: null,
    started_at: AT,
  });
  assert.deepEqual([second?.sequence, second?.job, second?.timeout_seconds], [3, 4, 7]);
});

test("carried commands: get numbers that were never used after a reset", () => {
  const numbers = adoptCarried([carried(1), carried(2), carried(9)], new Set([1, 2, 3]), AT).map(
    ({ sequence }) => sequence,
  );
  assert.deepEqual(numbers, [10, 11, 9]);
});
