import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { test } from "node:test";

import { character, fc } from "../../property.js";

import { KeptOutput } from "../../../src/core/exec/kept-output.js";

test("short output is kept whole, long output as head and tail with the number of bytes between", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: character, maxLength: 40 })),
      fc.integer({ min: 8, max: 200 }),
      (parts, limit) => {
        const kept = new KeptOutput(limit);
        for (const part of parts) kept.add(Buffer.from(part));
        const whole = Buffer.from(parts.join(""));
        const { text, omittedBytes } = kept.render(false);
        if (omittedBytes === 0) return assert.equal(text, whole.toString("utf8"));
        assert.ok(whole.length > limit - 1);
        const [head, tail] = text.split(`\n[... ${omittedBytes} bytes left out ...]\n`) as [string, string];
        assert.equal(Buffer.byteLength(head) + Buffer.byteLength(tail) + omittedBytes, whole.length);
        assert.ok(whole.toString("utf8").startsWith(head) && whole.toString("utf8").endsWith(tail));
      },
    ),
  );
});

test("text and encoding give back the bytes of an output, and UTF-8 output is text", () => {
  const pieces = fc.array(fc.oneof(fc.string({ unit: character }).map(Buffer.from), fc.uint8Array().map(Buffer.from)));
  fc.assert(
    fc.property(pieces, (parts) => {
      const kept = new KeptOutput(100_000);
      for (const part of parts) kept.add(part);
      const whole = Buffer.concat(parts);
      const { text, encoding } = kept.render(false);
      assert.deepEqual(Buffer.from(text, encoding), whole);
      assert.equal(encoding, isUtf8(whole) ? "utf-8" : "base64");
    }),
  );
});

test("output that was cut off within a character is text", () => {
  const kept = new KeptOutput(100);
  kept.add(Buffer.from("grü").subarray(0, 3));
  const { text, encoding } = kept.render(true);
  assert.deepEqual([text, encoding], ["gr\uFFFD", "utf-8"]);
  assert.equal(kept.render(false).encoding, "base64");
});

test("the kept output does not grow with the output", () => {
  const kept = new KeptOutput(1000);
  for (let count = 0; count < 10_000; count += 1) kept.add(Buffer.alloc(100, "x"));
  const { text, omittedBytes } = kept.render(false);
  assert.equal(omittedBytes, 999_000);
  assert.ok(text.length < 1100);
});
