import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";

import { openOutputLog } from "../../src/store/output-log.js";
import { journalAt, patternBytes, scriptPath, startedEntry, temporaryDirectory } from "./scratch.js";

/** Two tasks at once, each killed this many times. */
const ROUNDS = 10;

/** Kills the process after a number of acknowledgements, at a random moment after that. Returns the last one of each kind. */
async function runAndKill(directory: string, acknowledgements: number): Promise<{ journal: number; log: number }> {
  const child = spawn(process.execPath, [scriptPath("append-process"), directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const last = { journal: 0, log: 0 };
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, number] = line.split(" ") as ["journal" | "log", string];
    last[kind] = Number(number);
    count += 1;
    if (count === acknowledgements) setTimeout(() => child.kill("SIGKILL"), randomInt(10));
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  return last;
}

async function appendThroughKills(directory: string): Promise<void> {
  let entriesBefore = 0;
  let bytesBefore = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const acknowledged = await runAndKill(directory, randomInt(1, 80));
    const { entries } = await journalAt(join(directory, "journal"));
    assert.ok(entries.length >= Math.max(entriesBefore, acknowledged.journal));
    for (const [index, entry] of entries.entries()) {
      assert.deepEqual(entry, startedEntry(index + 1, "x".repeat((index + 1) % 999)));
    }
    const log = await openOutputLog(join(directory, "execs/1"), "stdout");
    assert.ok(log.totalBytes >= Math.max(bytesBefore, acknowledged.log));
    for (const { start, end } of log.keptRanges()) {
      for (let offset = start; offset < end;) {
        const chunk = (await log.read(offset, end - offset))!;
        assert.equal(chunk.offset, offset);
        assert.ok(chunk.bytes.equals(patternBytes(offset, chunk.bytes.length)));
        offset += chunk.bytes.length;
      }
    }
    entriesBefore = entries.length;
    bytesBefore = log.totalBytes;
  }
  assert.ok(entriesBefore > ROUNDS && bytesBefore > 10 << 20, `${entriesBefore} entries, ${bytesBefore} bytes`);
}

test("kill -9 of a process that appends: everything acknowledged is kept, and the next process appends after it", async (t) => {
  await Promise.all([appendThroughKills(temporaryDirectory(t)), appendThroughKills(temporaryDirectory(t))]);
});
