/** Run by journal.test.ts on a tmpfs of 64 KiB. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { PyroError } from "../../src/contract/errors.js";
import { journalAt, startedEntry } from "./scratch.js";

const directory = process.argv[2] ?? "";
const path = join(directory, "journal");
const ballast = join(directory, "ballast");
writeFileSync(ballast, Buffer.alloc(16_384));

const isDiskFull = (error: unknown) => error instanceof PyroError && error.code === "DISK_FULL";
const journal = await journalAt(path);
const acknowledged: number[] = [];
let failed = 0;
for (let sequence = 1; failed < 3; sequence += 1) {
  try {
    await journal.append(startedEntry(sequence, "x".repeat(1500)));
    acknowledged.push(sequence);
  } catch (error) {
    assert.ok(isDiskFull(error));
    failed += 1;
    const text = readFileSync(path, "utf8");
    assert.ok(text.endsWith("}\n"), "no torn record");
    assert.equal(text.split("\n").length - 2, acknowledged.length);
  }
}
assert.ok(acknowledged.length > 10);

// Appends that wait together fail together.
const together = await Promise.allSettled([1, 2].map((n) => journal.append(startedEntry(n, "y".repeat(40_000)))));
assert.ok(together.every((one) => one.status === "rejected" && isDiskFull(one.reason)));

rmSync(ballast);
await journal.append(startedEntry(9999));
const { entries } = await journalAt(path);
const sequences = entries.map((entry) => ("sequence" in entry ? entry.sequence : 0));
assert.deepEqual(sequences, [...acknowledged, 9999]);

// A journal that cannot even be created.
writeFileSync(ballast, "");
assert.throws(() => {
  for (;;) writeFileSync(ballast, Buffer.alloc(1024), { flag: "a" });
});
const other = await journalAt(join(directory, "other"));
await assert.rejects(other.append(startedEntry(1)), isDiskFull);
rmSync(ballast);
await other.append(startedEntry(2));
assert.deepEqual((await journalAt(join(directory, "other"))).entries, [startedEntry(2)]);
