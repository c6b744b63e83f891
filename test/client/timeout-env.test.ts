import assert from "node:assert/strict";
import { test } from "node:test";

import { withTimeoutEnv } from "../../src/client/timeout-env.js";
import { readContract } from "../../src/contract/rendered.js";

const operationOf = (name: string) => readContract().operations.find((operation) => operation.name === name);
const withEnv = (value: string | undefined, name = "vm.run") =>
  withTimeoutEnv({ command: "true" }, operationOf(name), value === undefined ? {} : { PYRO_TIMEOUT_SECONDS: value });

test("PYRO_TIMEOUT_SECONDS becomes the default of every operation that runs a command", () => {
  for (const name of ["vm.run", "vm.exec", "task.exec"])
    assert.deepEqual(withEnv("90", name), { command: "true", default_timeout_seconds: 90 });
  for (const name of ["task.create", "task.status"]) assert.deepEqual(withEnv("90", name), { command: "true" });
  for (const value of ["", undefined]) assert.deepEqual(withEnv(value), { command: "true" });
});
