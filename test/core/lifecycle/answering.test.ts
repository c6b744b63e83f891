import assert from "node:assert/strict";
import { test } from "node:test";

import type { PyroError } from "../../../src/contract/errors.js";
import { assertAnswers } from "../../../src/core/lifecycle/answering.js";

const never = { answers: () => new Promise<void>(() => {}) };

test("a machine that does not answer: an error in time, with the reason", async () => {
  const { signal } = new AbortController();
  await assertAnswers({ answers: async () => {} }, signal);
  await assert.rejects(assertAnswers(never, signal, 20), ({ code, details }: PyroError) => {
    assert.deepEqual([code, details["reason"]], ["RESOURCE_EXHAUSTED", "not_answering"]);
    return true;
  });
});

test("a machine that does not answer: a caller that cancels does not wait", async () => {
  const cancelled = new AbortController();
  const waiting = assertAnswers(never, cancelled.signal);
  cancelled.abort(new Error("cancelled"));
  await assert.rejects(waiting, { message: "cancelled" });
});
