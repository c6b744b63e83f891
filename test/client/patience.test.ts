import assert from "node:assert/strict";
import { test } from "node:test";

import { waitForNetwork } from "../../src/client/patience.js";

test("a quiet connection that has lasted ends an outage; one that breaks at once does not", async (t) => {
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  for (const [livedMs, continues] of [
    [3_600_000, true],
    [1_000, false],
  ] as const) {
    const patience = waitForNetwork();
    assert.equal(await patience.wait(new Error("broken")), true);
    // Tries that do not reach the daemon.
    nowMs += 60_000;
    patience.reached();
    nowMs += livedMs;
    assert.equal(await patience.wait(new Error("broken")), continues, `${livedMs} ms`);
  }
});
