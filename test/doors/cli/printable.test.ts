import assert from "node:assert/strict";
import { test } from "node:test";

import { printable } from "../../../src/doors/cli/printable.js";

test("control characters of either set are shown, other characters stay", () => {
  assert.equal(printable("\u001b[2J\u009b2J\u007f\ttäst 🙂"), "\\u001b[2J\\u009b2J\\u007f\\ttäst 🙂");
});
