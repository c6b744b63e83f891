import assert from "node:assert/strict";
import { test } from "node:test";

import { resolveTimeout } from "../../../src/core/exec/timeout.js";

const table: [
  title: string,
  input: Parameters<typeof resolveTimeout>[0],
  task: number | null,
  expected: number | null,
][] = [
  ["nothing is said", {}, null, 30],
  ["the client has a default", { default_timeout_seconds: 60 }, null, 60],
  ["the task has a time-out", { default_timeout_seconds: 60 }, 90, 90],
  ["the call has one", { timeout_seconds: 5, default_timeout_seconds: 60 }, 90, 5],
  ["the command is in the background", { background: true, default_timeout_seconds: 60 }, 90, null],
  ["a command in the background has one", { background: true, timeout_seconds: 5 }, 90, 5],
];

for (const [title, input, task, expected] of table) {
  test(`the time-out is ${expected ?? "none"} when ${title}`, () => {
    assert.equal(resolveTimeout(input, task), expected);
  });
}
