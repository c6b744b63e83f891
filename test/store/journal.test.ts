import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { character, fc, inAll } from "../property.js";

import { openJournal } from "../../src/store/journal.js";
import type { JournalEntry } from "../../src/store/journal-entry.js";
import { fixturePath, journalAt, scriptPath, startedEntry, temporaryDirectory } from "./scratch.js";
import { runOnTinyDisk } from "./tiny-disk.js";

const time = "2026-01-02T03:04:05.678Z";
const count = fc.nat();
const text = fc.string({ unit: character, maxLength: 30 });
const entry: fc.Arbitrary<JournalEntry> = fc.oneof(
  fc
    .record({ sequence: fc.integer({ min: 1 }), command: text })
    .map((some) => startedEntry(some.sequence, some.command)),
  fc.record({
    event: fc.constant("exec.ended" as const),
    sequence: fc.integer({ min: 1 }),
    exit_code: fc.option(fc.integer({ min: 0, max: 255 })),
    duration_ms: count,
    timed_out: fc.boolean(),
    aborted: fc.boolean(),
    error: fc.option(fc.record({ code: text, message: text })),
    stdout_bytes: count,
    stderr_bytes: count,
    ended_at: fc.constant(time),
  }),
  fc.record({
    event: fc.constant("push.ended" as const),
    push_id: text,
    switched: fc.boolean(),
    at: fc.constant(time),
  }),
);

const plain = (entries: readonly JournalEntry[]) => JSON.parse(JSON.stringify(entries)) as unknown;

test("any entries are read back in order, also after reopening", async (t) => {
  const directory = temporaryDirectory(t);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(entry, { maxLength: 4 }), { maxLength: 4 }), async (sessions) => {
      const path = join(directory, `${(run += 1)}`);
      for (const [index, session] of sessions.entries()) {
        const journal = await journalAt(path);
        assert.deepEqual(plain(journal.entries), plain(sessions.slice(0, index).flat()));
        for (const one of session) await journal.append(one);
        await journal.close();
      }
      assert.deepEqual(plain((await journalAt(path)).entries), plain(sessions.flat()));
    }),
    { numRuns: inAll(40) },
  );
});

test("journal: after a cut anywhere in its last line, the earlier lines are read, and appends work", async (t) => {
  const directory = temporaryDirectory(t);
  const whole = join(directory, "whole");
  const journal = await journalAt(whole);
  await journal.append(startedEntry(1));
  await journal.append(startedEntry(2, "grüezi"));
  const bytes = readFileSync(whole);
  const lastLine = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1;
  const path = join(directory, "cut");
  for (let length = lastLine; length < bytes.length; length += 1) {
    writeFileSync(path, bytes.subarray(0, length));
    const cut = await journalAt(path);
    assert.deepEqual(cut.entries, [startedEntry(1)]);
    assert.equal(readFileSync(path).length, length, "looking changes nothing");
    await cut.append(startedEntry(3));
    assert.deepEqual((await journalAt(path)).entries, [startedEntry(1), startedEntry(3)]);
  }
  for (let length = 0; length <= bytes.indexOf(0x0a); length += 1) {
    writeFileSync(path, bytes.subarray(0, length));
    const cut = await journalAt(path);
    assert.deepEqual(cut.entries, []);
    await cut.append(startedEntry(3));
    assert.deepEqual((await journalAt(path)).entries, [startedEntry(3)]);
  }
});

test("concurrent appends keep their order, and closing waits for them", async (t) => {
  const path = join(temporaryDirectory(t), "journal");
  const journal = await journalAt(path);
  const resolved: number[] = [];
  for (let sequence = 1; sequence <= 300; sequence += 1) {
    void journal.append(startedEntry(sequence)).then(() => resolved.push(sequence));
    if (sequence % 50 === 0) await new Promise(setImmediate);
  }
  await journal.close();
  const expected = Array.from({ length: 300 }, (_, index) => index + 1);
  assert.deepEqual(resolved, expected);
  assert.deepEqual(
    (await journalAt(path)).entries,
    expected.map((sequence) => startedEntry(sequence)),
  );
  await assert.rejects(journal.append(startedEntry(301)), { code: "INTERNAL" });
});

test("append: calls back once the entry can be read, and resolves after that", async (t) => {
  const path = join(temporaryDirectory(t), "journal");
  const journal = await journalAt(path);
  const events: string[] = [];
  const appended = journal.append(startedEntry(1), () => {
    events.push("written");
    assert.match(readFileSync(path, "utf8"), /"sequence":1/);
  });
  await appended.then(() => events.push("synced"));
  assert.deepEqual(events, ["written", "synced"]);
  assert.deepEqual((await journalAt(path)).entries, [startedEntry(1)]);
});

test("events of other versions are kept and ignored, also unknown fields", async (t) => {
  const path = join(temporaryDirectory(t), "journal");
  const ended = { event: "push.ended" as const, push_id: "1", switched: true, at: time };
  await (await journalAt(path)).append(startedEntry(1));
  appendFileSync(path, '{"event":"task.forked","into":"x"}\n' + JSON.stringify({ ...ended, by: "me" }) + "\n");
  const journal = await journalAt(path);
  assert.deepEqual(journal.entries, [startedEntry(1), ended]);
  await journal.append(startedEntry(2));
  assert.match(readFileSync(path, "utf8"), /task\.forked.*\n.*"by":"me".*\n.*"sequence":2/);
});

test("journal: damage before the last line makes it unreadable, and nothing is rewritten", async (t) => {
  const directory = temporaryDirectory(t);
  const good = `${JSON.stringify(startedEntry(1))}\n`;
  const damaged: (string | Buffer)[] = [
    `{"format":1}\n{"event":"exec.sta\n${good}`,
    `{"format":1}\n\n${good}`,
    `{"format":1}\nnull\n`,
    `{"format":1}\n{"event":"exec.started"}\n`,
    `{"format":1}\n{"no":"event"}\n`,
    `{"format":0}\n`,
    `null\n`,
    good,
    `\0\0\0\0\n${good}`,
    Buffer.concat([
      Buffer.from(`{"format":1}\n${good.slice(0, 60)}`),
      Buffer.from([0xff]),
      Buffer.from(good.slice(61)),
    ]),
  ];
  for (const [index, content] of damaged.entries()) {
    const path = join(directory, `${index}`);
    writeFileSync(path, content);
    assert.equal((await openJournal(path)).kind, "unreadable", content.toString());
    assert.deepEqual(readFileSync(path), Buffer.from(content));
  }
  assert.equal((await openJournal(directory)).kind, "unreadable");
});

test("a journal of format 2 is refused and left as it is", async (t) => {
  const path = join(temporaryDirectory(t), "journal");
  const content = '{"format":2,"x":1}\nwhatever\nto';
  writeFileSync(path, content);
  assert.deepEqual(await openJournal(path), { kind: "newer", format: 2 });
  assert.equal(readFileSync(path, "utf8"), content);
});

test("a journal of version 1 is still read, and can be appended to", async (t) => {
  const path = join(temporaryDirectory(t), "journal.ndjson");
  copyFileSync(fixturePath("v1/task-0123456789ab/journal.ndjson"), path);
  const frozen = readFileSync(path, "utf8");
  const journal = await journalAt(path);
  assert.deepEqual(
    journal.entries.map(({ event }) => event),
    ["task.state", "exec.started", "exec.ended", "exec.started", "exec.ended", "task.state"],
  );
  const lines = frozen.trimEnd().split("\n").slice(1);
  // Early versions also wrote `task.touched`, which is ignored.
  const known = lines
    .map((line) => JSON.parse(line) as { event: string })
    .filter(({ event }) => event !== "task.touched");
  assert.deepEqual(plain(journal.entries), known);
  await journal.append(startedEntry(3));
  assert.equal(readFileSync(path, "utf8"), `${frozen}${JSON.stringify(startedEntry(3))}\n`);
});

test("journal: a full disk returns DISK_FULL without a torn record, and appends work again when there is space", (t) => {
  runOnTinyDisk(t, scriptPath("journal-disk-full"), "64k");
});
