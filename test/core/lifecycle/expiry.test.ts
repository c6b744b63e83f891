import assert from "node:assert/strict";
import { test } from "node:test";

import { expiryOf, hasExpired } from "../../../src/core/lifecycle/expiry.js";

const HOUR_MS = 3_600_000;
const usedAt = "2026-03-29T00:30:00.000Z";

test("expiry is a wall-clock time, equal for every daemon", () => {
  const expiresAt = expiryOf(usedAt, 3_600);
  assert.equal(expiresAt, "2026-03-29T01:30:00.000Z");
  const due = Date.parse(usedAt) + HOUR_MS;
  const looks = [
    ["just before", due - 1, false],
    ["the very moment", due, true],
    ["after the host has slept, or its clock was set forward", due + 1_000 * HOUR_MS, true],
    ["after its clock was set back", due - 1_000 * HOUR_MS, false],
    ["once that clock is there again", due + 1, true],
  ] as const;
  for (const [when, now, expected] of looks) assert.equal(hasExpired(expiresAt, now), expected, when);
});

test("the longest time to live is a valid time, and without one nothing expires", () => {
  assert.equal(expiryOf(usedAt, 2_592_000), "2026-04-28T00:30:00.000Z");
  assert.equal(hasExpired(null, Number.MAX_SAFE_INTEGER), false);
});
