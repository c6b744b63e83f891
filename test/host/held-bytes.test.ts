import assert from "node:assert/strict";
import { test } from "node:test";

import { HeldBytes } from "../../src/host/held-bytes.js";
import { fc } from "../property.js";

test("the bytes that are taken are those that were pushed, in their order", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
      const held = new HeldBytes();
      for (const piece of pieces) held.push(Buffer.from(piece));
      const all = Buffer.concat(pieces);
      assert.equal(held.length, all.length);
      assert.ok(held.take().equals(all));
      assert.deepEqual([held.length, held.blocks, held.take().length], [0, 0, 0]);
    }),
  );
});

test("many single bytes are held in few buffers", () => {
  const held = new HeldBytes();
  for (let count = 0; count < 100_000; count += 1) {
    held.push(Buffer.from([count & 255]));
    assert.ok(held.blocks <= 20, `${held.blocks} buffers`);
  }
  assert.equal(held.take()[1_000], 1_000 & 255);
});
