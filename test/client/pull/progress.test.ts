import assert from "node:assert/strict";
import { test } from "node:test";

import { PullProgress } from "../../../src/client/pull/progress.js";
import type { OperationEvent } from "../../../src/contract/operation.js";

test("progress of a pull: has the entries and bytes so far and in all, and is not reported for each entry", (t) => {
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  const after = { type: "file", mode: 0o644, sizeBytes: 1_048_576, digest: "" } as const;
  const steps = ["a", "b", "c", "d"].map((path) => ({ path, before: null, after }));
  const told: OperationEvent[] = [];
  const progress = new PullProgress(
    [...steps, { path: "gone", before: after, after: null }],
    (event) => void told.push(event),
  );
  for (const [index] of steps.entries()) {
    nowMs = index < 3 ? 100 : 1_000;
    progress.addBytes(1_048_576);
    progress.addEntry();
  }
  assert.deepEqual(told, [
    { event: "progress", phase: "receive", message: "3 of 4 entries, 4.0 MiB, 4.0 MiB/s", fraction: 1 },
  ]);
});
