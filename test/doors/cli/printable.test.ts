import assert from "node:assert/strict";
import { test } from "node:test";

import { printable } from "../../../src/doors/cli/printable.js";

test("control characters are escaped, U+0080 to U+009F too; other characters stay", () => {
  assert.equal(printable("\u001b[2J\u009b2J\u007f\ttäst 🙂"), "\\u001b[2J\\u009b2J\\u007f\\ttäst 🙂");
});
