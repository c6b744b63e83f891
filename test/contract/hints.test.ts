import assert from "node:assert/strict";
import { test } from "node:test";

import { PyroError } from "../../src/contract/errors.js";
import { parseInput } from "../../src/contract/input.js";
import { operations } from "../../src/contract/operations.js";

test("a wrong value of an optional field: the hint describes the field", () => {
  assert.throws(
    () => parseInput(operations["task.create"].input, { environment: "debian:12", name: "task-0123456789ab" }),
    (error: unknown) => error instanceof PyroError && error.hint.includes("usable instead of its id"),
  );
});
