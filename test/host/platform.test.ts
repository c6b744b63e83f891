import assert from "node:assert/strict";
import { test } from "node:test";

import { countsByNamespace, mapsId } from "../../src/host/platform.js";

const NOBODY = 65_534;

test("the user nobody is mapped by the host's own id map and by one of 65,536 ids, not by one of a single id", () => {
  assert.equal(mapsId("         0          0 4294967295\n", NOBODY), true);
  assert.equal(mapsId("0 1000 1\n1 100000 65536\n", NOBODY), true);
  assert.equal(mapsId("0 1000 1\n", NOBODY), false);
  assert.equal(mapsId("0 1000 1\n1 100000 65533\n", NOBODY), false);
});

test("processes are counted by user namespace since Linux 5.14", () => {
  for (const kernel of ["5.14.0", "5.15.0-91-generic", "6.1.0-13-amd64", "10.0"])
    assert.ok(countsByNamespace(kernel), kernel);
  for (const kernel of ["5.13.19", "5.4.0-150-generic", "4.18.0-513.el8", "5.9"])
    assert.ok(!countsByNamespace(kernel), kernel);
});
