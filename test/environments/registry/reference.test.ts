import assert from "node:assert/strict";
import { test } from "node:test";

import { parseRegistryReference, renderReference } from "../../../src/environments/registry/reference.js";
import { findRecipe } from "../../../src/environments/resolve.js";

const digest = `sha256:${"ab".repeat(32)}`;

const full: readonly (readonly [written: string, name: string])[] = [
  ["python:3.12", "docker.io/library/python:3.12"],
  ["me/tool", "docker.io/me/tool:latest"],
  ["docker.io/python", "docker.io/library/python:latest"],
  ["index.docker.io/me/tool:1", "docker.io/me/tool:1"],
  ["localhost:5000/busybox", "localhost:5000/busybox:latest"],
  ["localhost/a/b_c/d.e--f:V1.x", "localhost/a/b_c/d.e--f:V1.x"],
  ["GHCR.io/me/tool", "ghcr.io/me/tool:latest"],
  [`ghcr.io/me/tool@${digest}`, `ghcr.io/me/tool@${digest}`],
  [`ghcr.io/me/tool:1@${digest}`, `ghcr.io/me/tool:1@${digest}`],
  [`python@${digest}`, `docker.io/library/python@${digest}`],
  ["[::1]:5000/x", "[::1]:5000/x:latest"],
];

for (const [written, name] of full) {
  test(`${written} is ${name}`, () => {
    const reference = parseRegistryReference(written);
    assert.ok(reference);
    assert.equal(renderReference(reference), name);
    assert.deepEqual(parseRegistryReference(name), reference, "the full name stands for the same image");
  });
}

test("other names are not images of a registry", () => {
  for (const name of ["x", "", "/", "a//b", "A/b", "debian:", "python:3 12", "me/tool@sha256:12", "../x", "a/../b"])
    assert.equal(parseRegistryReference(name), null, name);
});

test("a reference that names a registry and is wrong is an error", () => {
  for (const name of [
    "localhost:5000/Busybox",
    "ghcr.io/me/tool:",
    "ghcr.io/me/tool@sha256:12",
    "ghcr.io/a/../b",
    "localhost:0/x",
    "localhost:65536/x",
    "ghcr.io/",
  ])
    assert.throws(
      () => findRecipe(name),
      { code: name.endsWith("io/") ? "ENVIRONMENT_UNKNOWN" : "INVALID_ARGUMENT" },
      name,
    );
});

test("names of the catalog, and those that look like them, are not looked for in a registry", () => {
  for (const name of ["debian:99", "debian:12-slim", "debain:12", "x"])
    assert.throws(() => findRecipe(name), { code: "ENVIRONMENT_UNKNOWN" }, name);
  assert.equal(findRecipe("debian:12").kind, "debian");
  assert.equal(findRecipe("python:3.12").name, "docker.io/library/python:3.12");
  assert.equal(findRecipe("docker.io/library/debian:12").kind, "registry");
});
