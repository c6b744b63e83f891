import fc from "fast-check";

import { seed } from "./seed.js";

// fast-check reads a seed as a signed number.
fc.configureGlobal({ seed: seed | 0 });

/**
 * Any character of Unicode, for the unit of `fc.string`. The units "binary" and "grapheme" of fast-check do the same, but fill a map with
 * every character first, which takes a second of processor time in each test file.
 */
const character = fc.oneof(fc.nat(0x7f), fc.nat(0xffff - 0x800), fc.nat(0x10ffff - 0x800)).map(
  (index) => String.fromCodePoint(index < 0xd800 ? index : index + 0x800),
  (text) => {
    const point = typeof text === "string" ? text.codePointAt(0) : undefined;
    if (point === undefined || String.fromCodePoint(point) !== text) throw new Error("This is not one character.");
    return point < 0xd800 ? point : point - 0x800;
  },
);

/**
 * How many examples of a property to try: all, or a quarter when PYRO_TEST_BRIEF is set, as in `make check`. Every run tries other
 * examples, and `make test` tries all.
 */
function inAll(examples: number): number {
  return process.env["PYRO_TEST_BRIEF"] === "1" ? Math.ceil(examples / 4) : examples;
}

/** fast-check with the seed of this run. */
export { character, fc, inAll };
