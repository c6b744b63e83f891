import assert from "node:assert/strict";
import { test } from "node:test";

import { python } from "./run.js";

const SCRIPT = `
from pyro_mcp import _patience

now = 1.0
_patience.time.monotonic = lambda: now
for lived in (3600, 1):
    patience = _patience.Patience(True)
    patience.pause(OSError("broken"), 0)
    now += 60
    patience.reached()
    now += lived
    print(patience.pause(OSError("broken"), 0))
`;

test("the Python client: an outage ends with a connection that lasts, even without data, and not with one that breaks at once", async () => {
  const { stdout, stderr } = await python(["-c", SCRIPT], {});
  assert.equal(stdout, "0.1\nNone\n", stderr);
});
