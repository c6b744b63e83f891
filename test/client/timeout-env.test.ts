import assert from "node:assert/strict";
import { test } from "node:test";

import { withTimeoutEnv } from "../../src/client/timeout-env.js";
import { PyroError } from "../../src/contract/errors.js";
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

test("a PYRO_TIMEOUT_SECONDS that is no number of seconds is refused by its name", () => {
  for (const value of ["soon", "0", "-1", "1.5", "86401", "1e3", " 30"]) {
    assert.throws(
      () => withEnv(value),
      (error) => {
        assert.ok(error instanceof PyroError);
        assert.deepEqual([error.code, error.details], ["INVALID_ARGUMENT", { variable: "PYRO_TIMEOUT_SECONDS" }]);
        return true;
      },
    );
  }
});
