import assert from "node:assert/strict";
import { test } from "node:test";

import { Trace, wantsTrace } from "../../src/client/trace.js";
import type { PyroError } from "../../src/contract/errors.js";

const namesOf = (trace: Trace) => trace.end().map(({ stage }) => stage);

test("PYRO_TRACE is 1 or 0; anything else is refused", () => {
  assert.equal(wantsTrace({}), false);
  assert.equal(wantsTrace({ PYRO_TRACE: "" }), false);
  assert.equal(wantsTrace({ PYRO_TRACE: "0" }), false);
  assert.equal(wantsTrace({ PYRO_TRACE: "1" }), true);
  for (const value of ["2", "yes", " 1", "x".repeat(5000)]) {
    assert.throws(
      () => wantsTrace({ PYRO_TRACE: value }),
      ({ code, message }: PyroError) => code === "INVALID_ARGUMENT" && message.length < 200,
    );
  }
});

test("the daemon's stages follow the stage of their connection", () => {
  const trace = new Trace();
  trace.asking();
  trace.told([{ stage: "request", ms: 0 }]);
  trace.answered();
  assert.deepEqual(namesOf(trace), ["client start", "connection", "request", "client end"]);
});

test("an answer without stages is the daemon's time as a whole", () => {
  const trace = new Trace();
  trace.asking();
  trace.answered();
  assert.deepEqual(namesOf(trace), ["client start", "daemon", "client end"]);
});

test("the start of a daemon is a stage between two requests", () => {
  const trace = new Trace();
  trace.asking();
  trace.answered();
  trace.daemonStarted();
  trace.asking();
  trace.told([]);
  trace.answered();
  assert.deepEqual(namesOf(trace), ["client start", "daemon", "daemon start", "client", "connection", "client end"]);
});
