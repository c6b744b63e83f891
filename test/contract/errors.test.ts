import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { errorKinds } from "../../src/contract/errors.js";

const sources = fileURLToPath(new URL("../../../src/", import.meta.url));

/** The code of all sources without comments, and without comparisons, which throw nothing. */
function readSources(): string {
  return readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && path !== "contract/errors.ts")
    .map((path) => readFileSync(`${sources}${path}`, "utf8"))
    .join("\n")
    .replaceAll(/\/\*.*?\*\/|\/\/[^\n]*|[!=]== "[A-Z_]+"/gs, "");
}

test("the hint of a code is never also an error's message, since both are shown together", () => {
  const code = readSources();
  const repeated = Object.entries(errorKinds).filter(([, { hint }]) => code.includes(`"${hint}"`));
  assert.deepEqual(repeated, []);
});

test("every code of the contract is thrown somewhere", () => {
  const code = readSources();
  assert.ok(code.length > 100_000, "the sources were not found");
  const unused = Object.keys(errorKinds).filter((name) => !code.includes(`"${name}"`));
  assert.deepEqual(unused, []);
});
