import assert from "node:assert/strict";
import { test } from "node:test";

import { Stopwatch } from "../../src/host/stopwatch.js";

const sum = (stages: readonly { readonly ms: number }[]) => stages.reduce((total, { ms }) => total + ms, 0);

test("stages come in the order of their marks and add up to the whole", () => {
  const started = performance.now();
  const watch = new Stopwatch(started);
  watch.mark("one");
  watch.mark("two");
  const before = performance.now();
  watch.mark("three");
  assert.deepEqual(
    watch.stages.map(({ stage }) => stage),
    ["one", "two", "three"],
  );
  assert.ok(sum(watch.stages) >= before - started - 0.001);
  assert.ok(sum(watch.stages) <= performance.now() - started + 0.001);
});

test("the time of inner stages is subtracted from the stage around them", () => {
  const started = performance.now() - 100;
  const watch = new Stopwatch(started);
  watch.markAround("connection", [
    { stage: "request", ms: 20 },
    { stage: "answer", ms: 30 },
  ]);
  assert.deepEqual(
    watch.stages.map(({ stage }) => stage),
    ["connection", "request", "answer"],
  );
  assert.ok(sum(watch.stages) >= 99.999);
  assert.ok(watch.stages[0]!.ms >= 49.999);
});

test("no stage is negative when the parts are longer than the whole", () => {
  const watch = new Stopwatch();
  watch.markAround("connection", [{ stage: "request", ms: 1e9 }]);
  assert.equal(watch.stages[0]?.ms, 0);
});
