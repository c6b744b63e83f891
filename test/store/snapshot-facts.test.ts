import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { readSnapshotFacts, writeSnapshotFacts } from "../../src/store/snapshot-facts.js";
import { readTaskRecord } from "../../src/store/task-record.js";
import { copyBaseContent, copyWorkspaceLists } from "../../src/store/workspace-lists.js";
import { fixturePath, someRecord, startedEntry, temporaryDirectory } from "./scratch.js";

test("facts of a snapshot are read back unchanged; damaged and newer ones are refused", async (t) => {
  const directory = temporaryDirectory(t);
  const command = { started: startedEntry(2), skipped: { stdout: 5, stderr: 0 }, remaining_seconds: null };
  const facts = { format: 1 as const, purpose: "kept" as const, record: someRecord(), commands: [command] };
  await writeSnapshotFacts(directory, facts);
  assert.deepEqual(await readSnapshotFacts(directory), facts);
  const path = join(directory, "facts.json");
  const text = readFileSync(path, "utf8");
  for (const damaged of ["{", text.replace('"format":1', '"format":2'), text.replace('"kept"', '"other"')]) {
    writeFileSync(path, damaged);
    await assert.rejects(readSnapshotFacts(directory), { code: "FAILED_PRECONDITION" });
  }
});

test("a record of version 1 belongs to a first VM and not to a fork", async () => {
  const reading = await readTaskRecord(fixturePath("v1/task-0123456789ab"));
  assert.ok(reading.kind === "record");
  const { incarnation, resumes_from, forked_from, tried_for, network_policy } = reading.record;
  assert.deepEqual([incarnation, resumes_from, forked_from, tried_for, network_policy], [1, null, null, null, null]);
});

test("lists of a workspace replace those at the destination; content is copied for another task only", async (t) => {
  const [from, to] = ["from", "to"].map((name) => join(temporaryDirectory(t), name)) as [string, string];
  for (const [path, text] of Object.entries({
    [`${from}/base/last.gz`]: "new",
    [`${from}/base/content`]: "bytes",
    [`${from}/base/content.index`]: "index",
    [`${from}/pushed/a@1.000000000.gz`]: "list",
    [`${to}/base/last.gz`]: "old",
    [`${to}/base/seed.gz`]: "old",
    [`${to}/base/content`]: "longer bytes",
  })) {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
  }
  await copyWorkspaceLists(from, to);
  assert.deepEqual(readdirSync(join(to, "base")).toSorted(), ["content", "last.gz"]);
  assert.equal(readFileSync(join(to, "base", "last.gz"), "utf8"), "new");
  assert.equal(readFileSync(join(to, "base", "content"), "utf8"), "longer bytes");
  assert.deepEqual(readdirSync(join(to, "pushed")), ["a@1.000000000.gz"]);
  await copyBaseContent(from, to);
  assert.equal(readFileSync(join(to, "base", "content"), "utf8"), "bytes");
  await copyWorkspaceLists(join(from, "missing"), to);
  assert.deepEqual(readdirSync(join(to, "base")).toSorted(), ["content", "content.index"]);
});
