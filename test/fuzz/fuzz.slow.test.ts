import assert from "node:assert/strict";
import { test } from "node:test";

import { seed } from "../seed.js";
import { readCorpus } from "./corpus.js";
import { fuzz, FuzzFailure } from "./fuzz.js";
import { targets } from "./targets.js";

/** Enough to try each kept input, and some that are made from them. `make fuzz` takes more. */
const RUNS = 500;

for (const target of targets) {
  test(`any bytes: ${target.name}`, async () => {
    const { runs, outcomes } = await fuzz(target, {
      seed,
      until: (done) => done >= RUNS,
      kept: readCorpus(target.name),
    });
    assert.ok(runs >= RUNS && outcomes > 1, `${outcomes} outcomes: the parser is not reached`);
  });
}

test("a parser that breaks its promise is found, and its input is named", async () => {
  const run = (input: Buffer) => {
    assert.ok(!input.includes("7"), "a seven");
    return String(input.length % 3);
  };
  const target = { name: "sevens", seeds: [Buffer.from("x=1")], run };
  await assert.rejects(fuzz(target, { seed, until: (done) => done >= 100_000 }), (error: unknown) => {
    assert.ok(error instanceof FuzzFailure && error.input.includes("7"));
    assert.match(error.message, /target sevens, seed \d+, input \d+/);
    return true;
  });
});
