import assert from "node:assert/strict";
import { test } from "node:test";

import { PyroError } from "../../src/contract/errors.js";
import { catalog } from "../../src/environments/catalog.js";
import { findRecipe } from "../../src/environments/resolve.js";
import { nearestName } from "../../src/contract/nearest.js";

function unknownEnvironment(name: string): PyroError {
  try {
    findRecipe(name);
  } catch (error) {
    assert(error instanceof PyroError);
    return error;
  }
  throw new assert.AssertionError({ message: `${name} was found` });
}

test("the shipped names", () => {
  const names = catalog.map((recipe) => recipe.name);
  assert.deepEqual(names, [
    "debian:12",
    "debian:12-base",
    "debian:12-build",
    "debian:13",
    "debian:13-node22",
    "debian:13-node24",
  ]);
  for (const name of names) assert.equal(findRecipe(name).name, name);
});

test("no recipe names a package twice", () => {
  for (const { packages } of catalog) assert.equal(new Set(packages).size, packages.length);
});

test("an unknown name: the error has the known names and the nearest one", () => {
  const error = unknownEnvironment("debain:12");
  assert.equal(error.code, "ENVIRONMENT_UNKNOWN");
  assert.deepEqual(error.details, {
    environment: "debain:12",
    known: catalog.map((recipe) => recipe.name),
    suggestion: "debian:12",
  });
  assert.match(error.hint, /debian:12-base/);
});

test("no suggestion for a name that is unlike every environment", () => {
  assert.equal(unknownEnvironment("windows").details["suggestion"], null);
});

const nearest: [word: string, expected: string | null][] = [
  ["debian:12", "debian:12"],
  ["Debian:12", "debian:12"],
  ["debian12", "debian:12"],
  ["debian:12-bild", "debian:12-build"],
  ["debian:14", "debian:12"],
  ["", null],
  ["ubuntu:24.04", null],
  ["../../etc/passwd", null],
];

for (const [word, expected] of nearest) {
  test(`nearest to ${JSON.stringify(word)}`, () => {
    const names = catalog.map((recipe) => recipe.name);
    assert.equal(nearestName(word, names), expected);
  });
}
