import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { withAbsoluteReference } from "../../src/client/environment-reference.js";

const resolved = (environment: unknown) => withAbsoluteReference({ environment, other: 1 });

test("a relative path in a reference becomes absolute, with its tag", () => {
  for (const kind of ["rootfs", "oci", "docker-archive"]) {
    assert.deepEqual(resolved(`${kind}:a/../b:1`), { environment: `${kind}:${join(process.cwd(), "b:1")}`, other: 1 });
    assert.deepEqual(resolved(`${kind}:/a/./b`), { environment: `${kind}:/a/b`, other: 1 });
  }
});

test("a name of the catalog, an empty path and a value that is not text stay unchanged", () => {
  for (const environment of ["debian:12", "oci:", "oci", "", undefined, 7])
    assert.deepEqual(resolved(environment), { environment, other: 1 });
  assert.deepEqual(withAbsoluteReference({}), {});
});
