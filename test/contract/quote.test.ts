import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

import { character, fc } from "../property.js";

import { quoteCommand } from "../../src/contract/quote.js";

/** The arguments that /bin/sh passes on for the line, as bytes. */
function splitByShell(line: string, encoding: "utf8" | "latin1"): string[] {
  const input = Buffer.from(`printf '%s\\0' ${line}\n`, encoding);
  const { stdout, status } = spawnSync("/bin/sh", ["-s"], { input });
  assert.equal(status, 0);
  return stdout.toString(encoding).split("\0").slice(0, -1);
}

const byte = fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code));
const bytes = fc.string({ unit: byte });
const text = fc.string({ unit: character }).filter((word) => !word.includes("\0"));
const shellish = fc.string({ unit: fc.constantFrom("'", '"', "\\", "$", "`", "\n", " ", "*", "~", "=", "!", "a") });

test("quoted arguments pass through the shell unchanged", async (t) => {
  await t.test("any bytes", () => {
    fc.assert(
      fc.property(fc.array(bytes, { minLength: 1 }), (words) => {
        assert.deepEqual(splitByShell(quoteCommand(words), "latin1"), words);
      }),
    );
  });
  await t.test("text, and characters that are special to shells", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(text, shellish), { minLength: 1 }), (words) => {
        assert.deepEqual(splitByShell(quoteCommand(words), "utf8"), words);
      }),
    );
  });
});

test("plain words stay readable, and a first word is never an assignment", () => {
  assert.equal(quoteCommand(["git", "--version"]), "git --version");
  assert.equal(quoteCommand(["A=b", "A=b"]), "'A=b' A=b");
  assert.equal(quoteCommand([""]), "''");
  assert.equal(quoteCommand(["it's"]), "'it'\\''s'");
});
