import assert from "node:assert/strict";
import { test } from "node:test";

import { buildPath, decodeName, encodeName, isUtf8Name } from "../../src/guest/names.js";
import { character, fc } from "../property.js";

test("names: any bytes survive the conversion to text, and valid UTF-8 stays unchanged", () => {
  const anyBytes = fc.uint8Array({ minLength: 1, maxLength: 40 });
  const nearText = fc.array(
    fc.oneof(
      fc.string({ unit: character }).map((text) => Buffer.from(text)),
      anyBytes,
    ),
  );
  fc.assert(
    fc.property(
      fc.oneof(
        anyBytes,
        nearText.map((parts) => Buffer.concat(parts)),
      ),
      (bytes) => {
        const buffer = Buffer.from(bytes);
        const name = decodeName(buffer);
        assert.deepEqual(encodeName(name), buffer);
        assert.equal(isUtf8Name(name), Buffer.from(buffer.toString("utf8")).equals(buffer));
      },
    ),
  );
});

test("names: the text equals that of Python's surrogateescape", () => {
  assert.equal(decodeName(Buffer.from("61ff62e9", "hex")), "a\udcffb\udce9");
  assert.equal(decodeName(Buffer.from("eda080", "hex")), "\udced\udca0\udc80");
  assert.equal(decodeName(Buffer.from("f09f9880c3", "hex")), "😀\udcc3");
  assert.deepEqual(buildPath("path", "a\udcff"), { path_base64: "Yf8=" });
  assert.deepEqual(buildPath("path", "é"), { path: "é" });
});
