import assert from "node:assert/strict";
import { test } from "node:test";

import { PyroError } from "../../src/contract/errors.js";
import { limits } from "../../src/contract/limits.js";
import { Cancellation } from "../../src/daemon/cancellation.js";

/** A call that counts how often it was aborted. */
function newFlight() {
  const aborts: PyroError[] = [];
  const { signal } = new AbortController();
  return { signal, aborts, abort: (reason: PyroError) => void aborts.push(reason), finish: () => {} };
}

test("a cancelled command gets its signal, and is aborted after the grace time", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const flight = newFlight();
  const cancellation = new Cancellation(flight);
  const signals: string[] = [];
  cancellation.onInterrupt((signal) => signals.push(signal));
  cancellation.request("INT");
  t.mock.timers.tick(limits.cancelGraceSeconds * 1000 - 1);
  assert.deepEqual([signals, flight.aborts.length], [["INT"], 0]);
  t.mock.timers.tick(1);
  assert.equal(flight.aborts[0]?.code, "ABORTED");
});

test("a call that was answered within the grace is not aborted", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const flight = newFlight();
  const cancellation = new Cancellation(flight);
  cancellation.onInterrupt(() => {});
  cancellation.request("INT");
  cancellation.close();
  t.mock.timers.tick(limits.cancelGraceSeconds * 2000);
  assert.equal(flight.aborts.length, 0);
});

test("the second request aborts at once; so does the first while no command runs", () => {
  const running = newFlight();
  const second = new Cancellation(running);
  second.onInterrupt(() => {});
  second.request("INT");
  second.request("INT");
  assert.equal(running.aborts.length, 1);
  const idle = newFlight();
  const first = new Cancellation(idle);
  first.onInterrupt(() => {})();
  first.request("INT");
  assert.equal(idle.aborts.length, 1);
});
