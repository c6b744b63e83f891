import assert from "node:assert/strict";
import { test } from "node:test";

import { PrivateModes } from "../../src/client/private-modes.js";

const undo = (...pieces: string[]) => {
  const modes = new PrivateModes();
  for (const piece of pieces) modes.add(Buffer.from(piece));
  return modes.undo();
};

test("private modes: a mode that is still changed at the end is reset", () => {
  assert.equal(undo("\x1b[?1049h", "text", "\x1b[?25l"), "\x1b[?1049l\x1b[?25h\x1b[m");
  assert.equal(undo("\x1b[?1000;1006h"), "\x1b[?1000l\x1b[?1006l\x1b[m");
});

test("private modes: a mode that the program has reset, or that is the default, is not reset again", () => {
  assert.equal(undo("\x1b[?1049h\x1b[?1049l\x1b[?25l\x1b[?25h"), "");
  assert.equal(undo("\x1b[?25h\x1b[?7h"), "");
});

test("private modes: a sequence that arrives in two pieces is found", () => {
  const text = "\x1b[?1002h";
  for (let at = 0; at <= text.length; at += 1)
    assert.equal(undo(text.slice(0, at), text.slice(at)), "\x1b[?1002l\x1b[m");
});

test("private modes: a guest that sets all modes costs little", () => {
  const all = Array.from({ length: 100_000 }, (_, mode) => `\x1b[?${mode}h`).join("");
  assert.ok(undo(all).length < 1000);
});
