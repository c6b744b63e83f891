import assert from "node:assert/strict";
import { test } from "node:test";

import { mapsId } from "../../src/host/platform.js";

const NOBODY = 65_534;

test("nobody is mapped in the host's own map and in one of 65,536 ids, not in that of a single root", () => {
  assert.equal(mapsId("         0          0 4294967295\n", NOBODY), true);
  assert.equal(mapsId("0 1000 1\n1 100000 65536\n", NOBODY), true);
  assert.equal(mapsId("0 1000 1\n", NOBODY), false);
  assert.equal(mapsId("0 1000 1\n1 100000 65533\n", NOBODY), false);
});
