import assert from "node:assert/strict";
import { test } from "node:test";

import { mapsId } from "../../src/host/platform.js";

const NOBODY = 65_534;

test("the user nobody is mapped by the host's own id map and by one of 65,536 ids, not by one of a single id", () => {
  assert.equal(mapsId("         0          0 4294967295\n", NOBODY), true);
  assert.equal(mapsId("0 1000 1\n1 100000 65536\n", NOBODY), true);
  assert.equal(mapsId("0 1000 1\n", NOBODY), false);
  assert.equal(mapsId("0 1000 1\n1 100000 65533\n", NOBODY), false);
});
