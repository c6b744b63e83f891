/** Appends to a journal and a log for ever and prints each acknowledgement; crash.slow.test.ts kills it. */
import { writeSync } from "node:fs";
import { join } from "node:path";

import { openOutputLog } from "../../src/store/output-log.js";
import { journalAt, patternBytes, startedEntry } from "./scratch.js";

const directory = process.argv[2] ?? "";
const journal = await journalAt(join(directory, "journal"));
const log = await openOutputLog(join(directory, "execs/1"), "stdout");

async function appendEntries(): Promise<never> {
  for (let sequence = journal.entries.length + 1; ; sequence += 3) {
    const three = [sequence, sequence + 1, sequence + 2];
    await Promise.all(three.map((each) => journal.append(startedEntry(each, "x".repeat(each % 999)))));
    writeSync(1, `journal ${sequence + 2}\n`);
  }
}

async function appendOutput(): Promise<never> {
  for (;;) {
    await log.append(patternBytes(log.totalBytes, 120_000 + (log.totalBytes % 9973)));
    writeSync(1, `log ${log.totalBytes}\n`);
  }
}

await Promise.all([appendEntries(), appendOutput()]);
