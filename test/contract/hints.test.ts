import assert from "node:assert/strict";
import { test } from "node:test";

import { PyroError } from "../../src/contract/errors.js";
import { parseInput } from "../../src/contract/input.js";
import { operations } from "../../src/contract/operations.js";

test("a wrong value of a field that may be left out is answered with what the field means", () => {
  assert.throws(
    () => parseInput(operations["task.create"].input, { environment: "debian:12", name: "task-0123456789ab" }),
    (error: unknown) => error instanceof PyroError && error.hint.includes("to be used in the place of its id"),
  );
});
