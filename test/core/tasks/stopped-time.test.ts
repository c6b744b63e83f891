import assert from "node:assert/strict";
import { test } from "node:test";

import { StoppedTime } from "../../../src/core/tasks/stopped-time.js";
import type { JournalEntry } from "../../../src/store/journal-entry.js";

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const state = (to: "started" | "stopped", second: number): JournalEntry => ({
  ...{ event: "task.state", state: to, reason: null, incarnation: 1, at: at(second) },
});

test("stopped time: counts only the time after the given moment", () => {
  const stopped = new StoppedTime([
    state("stopped", 10),
    state("started", 14),
    state("stopped", 20),
    state("started", 21),
  ]);
  const since = (second: number) => stopped.since(at(second), Date.parse(at(30)));
  assert.deepEqual([0, 12, 14, 20, 25].map(since), [5_000, 3_000, 1_000, 1_000, 0]);
});

test("stopped time: grows while the task is stopped, and a second stop changes nothing", () => {
  const stopped = new StoppedTime([state("stopped", 10)]);
  stopped.note(state("stopped", 15));
  assert.equal(stopped.since(at(0), Date.parse(at(30))), 20_000);
  stopped.note(state("started", 31));
  assert.equal(stopped.since(at(0), Date.parse(at(60))), 21_000);
});
