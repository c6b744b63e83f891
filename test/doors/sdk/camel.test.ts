import assert from "node:assert/strict";
import { test } from "node:test";

import { operations } from "../../../src/contract/operations.js";
import { schemasOf } from "../../../src/contract/rendered.js";
import { toCamel, toSnake, type Schema } from "../../../src/doors/sdk/camel.js";

const schema: Schema = {
  properties: {
    mem_mib: {},
    env: {},
    last_command: { anyOf: [{}, { properties: { exit_code: {} } }] },
    entries: { items: { properties: { sha256: {}, size_bytes: {} } } },
    some_names: { items: {} },
  },
};
const wire = {
  mem_mib: 1,
  env: { snake_key: "a_b", camelKey: "aB", mem_mib: "2" },
  last_command: { exit_code: null },
  entries: [{ sha256: "x_y", size_bytes: 3 }],
  some_names: ["a_b", "cD"],
};
const camel = {
  memMib: 1,
  env: wire.env,
  lastCommand: { exitCode: null },
  entries: [{ sha256: "x_y", sizeBytes: 3 }],
  someNames: wire.some_names,
};

test("names change their spelling, keys that are data do not", () => {
  assert.deepEqual(toCamel(wire, schema), camel);
  assert.deepEqual(toSnake(camel, schema), wire);
  assert.deepEqual(toCamel({ ...wire, last_command: null }, schema), { ...camel, lastCommand: null });
});

test("any name that the schema does not have is passed on", () => {
  assert.deepEqual(toSnake({ memMiB: 1, constructor: 2 }, schema), { memMiB: 1, constructor: 2 });
});

test("every name of the contract survives the conversion to camel case and back", () => {
  const check = (inner: Schema, path: string) => {
    for (const [name, field] of Object.entries(inner.properties ?? {})) {
      const there = toCamel({ [name]: 1 }, inner) as object;
      assert.deepEqual(toSnake(there, inner), { [name]: 1 }, `${path}.${name}`);
      assert.doesNotMatch(Object.keys(there)[0]!, /_/);
      for (const next of [field, field.items ?? {}, ...(field.anyOf ?? [])]) check(next, `${path}.${name}`);
    }
  };
  for (const name of Object.keys(operations)) {
    const { input, result } = schemasOf(name);
    check(input, name);
    check(result, name);
  }
});
