import assert from "node:assert/strict";
import { test } from "node:test";

import { Terminal } from "../../../src/core/exec/terminal.js";

test("a terminal: keys typed after a new reader has attached go to that reader", async () => {
  const terminal = new Terminal({ rows: 24, cols: 80 });
  const earlier = terminal[Symbol.asyncIterator]();
  const waiting = earlier.next();
  const later = terminal[Symbol.asyncIterator]();
  const typed = terminal.type(Buffer.from("x"));
  const read = await later.next();
  assert.equal(String(read.value), "x");
  void later.next();
  await typed;
  assert.deepEqual(await waiting, { value: undefined, done: true });
});
