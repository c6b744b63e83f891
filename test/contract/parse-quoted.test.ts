import assert from "node:assert/strict";
import { test } from "node:test";

import { parseQuoted, quoteCommand } from "../../src/contract/quote.js";
import { character, fc } from "../property.js";

test("quoted words are parsed back unchanged", () => {
  const word = fc.string({ unit: character }).filter((text) => !text.includes("\0"));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1 }), (words) => assert.deepEqual(parseQuoted(quoteCommand(words)), words)),
  );
});

test("a line with shell syntax is not parsed as a list of words", () => {
  for (const line of [
    "a; b",
    "a | b",
    "a > b",
    "$A",
    "`a`",
    "a && b",
    "A=1 b",
    "~/x",
    "a *",
    '"a"',
    "a\\ b",
    "'a",
    "a\nb",
    "",
  ])
    assert.equal(parseQuoted(line), null, line);
});
