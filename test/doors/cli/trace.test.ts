import assert from "node:assert/strict";
import { test } from "node:test";

import { renderTrace, renderTraceJson } from "../../../src/doors/cli/trace.js";

const stages = [
  { stage: "client start", ms: 80.04 },
  { stage: "end", ms: 1234.5678 },
];

test("a trace is a table with a line for each stage, and their sum", () => {
  assert.equal(
    renderTrace(stages),
    ["client start      80.0 ms", "end             1234.6 ms", "total           1314.6 ms", ""].join("\n"),
  );
});

test("as JSON a trace is one line, in milliseconds with three places", () => {
  assert.deepEqual(JSON.parse(renderTraceJson(stages)), {
    trace: {
      total_ms: 1314.608,
      stages: [
        { stage: "client start", ms: 80.04 },
        { stage: "end", ms: 1234.568 },
      ],
    },
  });
});
