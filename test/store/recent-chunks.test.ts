import assert from "node:assert/strict";
import { test } from "node:test";

import { RecentChunks } from "../../src/store/recent-chunks.js";
import { fc } from "../property.js";
import { patternBytes } from "./scratch.js";

test("recent chunks: a read returns the bytes written at its offset, and the last pieces stay in memory", () => {
  const property = fc.property(
    fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1 }),
    fc.nat(),
    fc.integer({ min: 1, max: 70_000 }),
    (lengths, place, maxBytes) => {
      const recent = new RecentChunks();
      let total = 0;
      for (const length of lengths) {
        recent.add({ offset: total, bytes: patternBytes(total, length) });
        total += length;
      }
      assert.equal(recent.read(total, maxBytes), null);
      assert.notEqual(recent.read(total - lengths.at(-1)!, maxBytes), null);
      const offset = place % total;
      const read = recent.read(offset, maxBytes);
      if (read !== null) {
        assert.ok(read.offset === offset && read.bytes.length > 0 && read.bytes.length <= maxBytes);
        assert.deepEqual(read.bytes, patternBytes(offset, read.bytes.length));
      }
      recent.clear();
      assert.equal(recent.read(offset, maxBytes), null);
    },
  );
  fc.assert(property);
});
