import assert from "node:assert/strict";
import { getEventListeners, once } from "node:events";
import { test } from "node:test";

import { JoinedController } from "../../src/host/joined-controller.js";

test("a joined controller aborts with the reason of the first signal", () => {
  const [first, second] = [new AbortController(), new AbortController()];
  using joined = new JoinedController([first.signal, second.signal]);
  assert.equal(joined.signal.aborted, false);
  second.abort("second");
  first.abort("first");
  assert.equal(joined.signal.reason, "second");
});

test("a joined controller is aborted at once when one of its signals is", () => {
  using joined = new JoinedController([new AbortController().signal, AbortSignal.abort("before")], 1);
  assert.equal(joined.signal.reason, "before");
});

test("a joined controller aborts after its time, and leaves its signals alone", async () => {
  const source = new AbortController();
  using joined = new JoinedController([source.signal], 1);
  await once(joined.signal, "abort");
  assert.equal((joined.signal.reason as Error).name, "TimeoutError");
  assert.equal(source.signal.aborted, false);
});

test("a joined controller that is disposed listens to no signal and keeps no timer", () => {
  const source = new AbortController();
  const timersBefore = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
  {
    using joined = new JoinedController([source.signal], 60_000);
    assert.equal(getEventListeners(source.signal, "abort").length, 1);
    assert.equal(joined.signal.aborted, false);
  }
  assert.equal(getEventListeners(source.signal, "abort").length, 0);
  assert.equal(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length, timersBefore);
});
