import assert from "node:assert/strict";
import { test } from "node:test";

import { findImageType } from "../../../src/core/files/image-type.js";
import { replaceText } from "../../../src/core/files/edit.js";
import { LineWindow, numberLines } from "../../../src/core/files/line-window.js";
import { parseGuestPath } from "../../../src/core/files/path.js";
import { cutOffBytes, decodeText } from "../../../src/core/files/text.js";
import { fc } from "../../property.js";

const LIMITS = { first: 1, count: 1_000, bytes: 100_000, lineBytes: 100 };

/** Shows lines of a text that arrives in pieces. */
function show(text: Buffer, limits: Partial<typeof LIMITS>, pieceBytes: number): LineWindow {
  const window = new LineWindow({ ...LIMITS, ...limits });
  for (let at = 0; at < text.length; at += pieceBytes) {
    if (!window.push(text.subarray(at, at + pieceBytes))) return window;
  }
  window.end();
  return window;
}

test("lines: the same as splitting the whole text, whatever the pieces", () => {
  const lines = fc.array(fc.string({ unit: fc.constantFrom("a", "é", "😀", " "), maxLength: 20 }), { maxLength: 20 });
  fc.assert(
    fc.property(
      lines,
      fc.boolean(),
      fc.nat(20),
      fc.integer({ min: 1, max: 7 }),
      fc.integer({ min: 1, max: 9 }),
      (all, ends, skipped, count, piece) => {
        const text = Buffer.from(all.join("\n") + (ends ? "\n" : ""));
        const whole = text.toString().split("\n");
        if (whole.at(-1) === "") whole.pop();
        const window = show(text, { first: skipped + 1, count, lineBytes: 1_000 }, piece);
        assert.deepEqual(window.lines, whole.slice(skipped, skipped + count));
        assert.equal(window.hasMore, whole.length > skipped + count);
        assert.ok(window.isText);
      },
    ),
  );
});

test("lines: a long line is cut at a character, and the rest is counted", () => {
  const window = show(Buffer.from(`${"é".repeat(60)}\nnext`), { lineBytes: 11 }, 7);
  assert.deepEqual(window.lines, ["ééééé[... 110 bytes left out ...]", "next"]);
});

test("lines: a page ends at its limit of bytes", () => {
  const window = show(Buffer.from("aaaa\nbbbb\ncccc\n"), { bytes: 6 }, 100);
  assert.deepEqual([window.lines, window.hasMore], [["aaaa", "bbbb"], true]);
});

test("lines: only the shown lines must be text", () => {
  const text = Buffer.concat([Buffer.from("one\n"), Buffer.of(0xff, 0x0a), Buffer.from("three\n")]);
  assert.ok(show(text, { count: 1 }, 3).isText);
  assert.ok(!show(text, {}, 3).isText);
  assert.ok(show(text, { first: 3 }, 3).isText);
  assert.equal(numberLines(["a", "b"], 9), "9\ta\n10\tb");
});

test("text: a range may end within a character, a file may not", () => {
  const bytes = Buffer.from("aé😀");
  for (let length = 1; length <= bytes.length; length += 1) {
    const part = bytes.subarray(0, length);
    const { content, bytes: taken } = decodeText(part, "f", false);
    assert.equal(Buffer.byteLength(content), taken);
    assert.equal(length - taken, cutOffBytes(part));
    assert.ok("aé😀".startsWith(content));
  }
  assert.throws(() => decodeText(bytes.subarray(0, 2), "f", true), { code: "FILE_NOT_TEXT" });
  assert.throws(() => decodeText(bytes.subarray(2), "f", true), { code: "FILE_NOT_TEXT" });
  assert.throws(() => decodeText(Buffer.from("a\0b"), "f", true), { code: "FILE_NOT_TEXT" });
});

test("edit: the text is replaced once, or the error says how often it was found", () => {
  const edit = { path: "f", old: "x", new: "$& y", all: false };
  assert.deepEqual(replaceText("a x b", edit), { content: "a $& y b", count: 1, at: 2 });
  assert.deepEqual(replaceText("x x", { ...edit, all: true }), { content: "$& y $& y", count: 2, at: 0 });
  const mismatch = (found: number) => ({ code: "FILE_EDIT_MISMATCH", details: { path: "f", found } });
  assert.throws(() => replaceText("a b", edit), mismatch(0));
  assert.throws(() => replaceText("x x x", edit), mismatch(3));
  assert.throws(() => replaceText("a b", { ...edit, all: true }), mismatch(0));
});

test("images are recognised by their first bytes", () => {
  const png = Buffer.from("89504e470d0a1a0a0000", "hex");
  assert.equal(findImageType(png), "image/png");
  assert.equal(findImageType(png.subarray(0, 7)), null);
  assert.equal(findImageType(Buffer.from("RIFF1234WEBPVP8 ")), "image/webp");
  assert.equal(findImageType(Buffer.from("RIFF1234WAVEfmt ")), null);
  assert.equal(findImageType(Buffer.alloc(0)), null);
});

test("paths: relative ones start at the workspace, and impossible ones are refused", () => {
  assert.equal(parseGuestPath("a/../b"), "/workspace/a/../b");
  assert.equal(parseGuestPath("/etc/hosts"), "/etc/hosts");
  assert.equal(parseGuestPath(`/${"x".repeat(4_094)}`).length, 4_095);
  for (const path of [`/${"é".repeat(2_048)}`, "a\0b"]) {
    assert.throws(() => parseGuestPath(path), { code: "FILE_PATH_INVALID" });
  }
});
