import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { PyroError } from "../../src/contract/errors.js";
import { numberVariables, readNumberVariable } from "../../src/contract/number-variable.js";

type Name = keyof typeof numberVariables;
const names = Object.keys(numberVariables) as Name[];
const absurd = [
  "soon",
  "NaN",
  "Infinity",
  "0",
  "-1",
  "1.5",
  "1e3",
  "0x10",
  " 30",
  "30 ",
  "30s",
  "\u0663",
  "9".repeat(5000),
];

test("a variable that is unset or empty has no number", () => {
  for (const name of names) {
    assert.equal(readNumberVariable({}, name), null);
    assert.equal(readNumberVariable({ [name]: "" }, name), null);
  }
});

test("the least and the greatest number of each variable are read", () => {
  for (const name of names) {
    const { min, max } = numberVariables[name];
    for (const number of [min, max]) assert.equal(readNumberVariable({ [name]: String(number) }, name), number);
  }
});

test("a size has a unit, or is in MiB", () => {
  const read = (value: string) => readNumberVariable({ PYRO_MAX_MEMORY: value }, "PYRO_MAX_MEMORY");
  assert.deepEqual(
    ["2048", "2048m", "2048MiB", "2G", "2gib", "1T"].map(read),
    [2048, 2048, 2048, 2048, 2048, 1_048_576],
  );
  for (const value of ["2GB", "2 G", "G", "255", "1.5G", "2048T", "2kib", "2__proto__", "2constructor"]) {
    assert.throws(() => read(value), { code: "INVALID_ARGUMENT", message: /a size from 256 to 1073741824 MiB, not / });
  }
  assert.throws(() => readNumberVariable({ PYRO_MAX_VMS: "2G" }, "PYRO_MAX_VMS"), { code: "INVALID_ARGUMENT" });
});

test("an absurd value of each variable is refused with the name, the value, the limits and the next step", () => {
  for (const name of names) {
    const { min, max } = numberVariables[name];
    for (const value of [...absurd, String(max + 1)]) {
      assert.throws(
        () => readNumberVariable({ [name]: value }, name),
        ({ code, details, hint }: PyroError) => {
          const shown = value.slice(0, 100);
          assert.deepEqual(details, { variable: name, value: shown, minimum: min, maximum: max });
          assert.equal(code, "INVALID_ARGUMENT");
          return hint.includes(name);
        },
        value,
      );
    }
  }
});

test("no other place turns a variable into a number", () => {
  const source = join(import.meta.dirname, "../../../src");
  const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".ts"));
  const own = files.filter((path) =>
    /(?:Number|parseInt|parseFloat)\([^)]*env\b|coerce\.[a-z]+\([^)]*\)\.parse\([^)]*env\b/.test(
      readFileSync(join(source, path), "utf8"),
    ),
  );
  assert.deepEqual(own, []);
});
