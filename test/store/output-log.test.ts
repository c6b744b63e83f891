import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { fc } from "../property.js";

import { openOutputLog, type OutputLog } from "../../src/store/output-log.js";
import { fixturePath, patternBytes, scriptPath, temporaryDirectory } from "./scratch.js";
import { runOnTinyDisk } from "./tiny-disk.js";

const MIB = 1 << 20;

/** The bytes that a log of this length must keep, computed from the rules alone. */
function expectedRanges(totalBytes: number): { start: number; end: number }[] {
  if (totalBytes === 0) return [];
  const tailStart = Math.floor((totalBytes - 4 * MIB) / MIB) * MIB;
  if (tailStart <= 4 * MIB) return [{ start: 0, end: totalBytes }];
  return [
    { start: 0, end: 4 * MIB },
    { start: tailStart, end: totalBytes },
  ];
}

async function assertHolds(log: OutputLog, totalBytes: number): Promise<void> {
  assert.equal(log.totalBytes, totalBytes);
  assert.deepEqual(log.keptRanges(), expectedRanges(totalBytes));
  const seen: { start: number; end: number }[] = [];
  for (let offset = 0; ;) {
    const chunk = await log.read(offset, 700_000);
    if (chunk === null) break;
    assert.ok(chunk.bytes.length > 0 && chunk.bytes.length <= 700_000);
    assert.ok(chunk.bytes.equals(patternBytes(chunk.offset, chunk.bytes.length)), `bytes at ${chunk.offset}`);
    const end = chunk.offset + chunk.bytes.length;
    if (chunk.offset === offset && seen.length > 0) seen.at(-1)!.end = end;
    else seen.push({ start: chunk.offset, end });
    offset = end;
  }
  assert.deepEqual(seen, expectedRanges(totalBytes));
}

test("output log: after any appends and reopenings the kept bytes are those that the limits allow", async (t) => {
  const directory = temporaryDirectory(t);
  const step = fc.record({
    bytes: fc.oneof(
      fc.nat({ max: 300_000 }),
      fc.constantFrom(0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB),
      fc.nat({ max: 5 * MIB }),
    ),
    reopen: fc.boolean(),
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const path = join(directory, `${(run += 1)}`);
      let log = await openOutputLog(path, "stdout");
      let total = 0;
      for (const { bytes, reopen } of steps) {
        await log.append(patternBytes(total, bytes));
        total += bytes;
        assert.deepEqual(log.keptRanges(), expectedRanges(total));
        if (!reopen) continue;
        await log.close();
        await assert.rejects(log.append(Buffer.from("x")), { code: "INTERNAL" });
        log = await openOutputLog(path, "stdout");
      }
      await assertHolds(log, total);
      await log.close();
      await assertHolds(log, total);
      await assertHolds(await openOutputLog(path, "stdout"), total);
      rmSync(path, { recursive: true, force: true });
    }),
    { numRuns: 25 },
  );
});

test("concurrent appends land in the order of the calls", async (t) => {
  const log = await openOutputLog(temporaryDirectory(t), "stdout");
  let total = 0;
  for (let index = 0; index < 200; index += 1) {
    const length = (index * 7919) % 50_000;
    void log.append(patternBytes(total, length));
    total += length;
  }
  await log.close();
  await assertHolds(log, total);
});

test("the two streams of an exec are apart; an empty one makes no file", async (t) => {
  const directory = join(temporaryDirectory(t), "execs/7");
  const stdout = await openOutputLog(directory, "stdout");
  const stderr = await openOutputLog(directory, "stderr");
  assert.equal(existsSync(directory), false);
  await stderr.append(Buffer.from("err"));
  await Promise.all([stdout.close(), stderr.close()]);
  assert.deepEqual(readdirSync(directory), ["stderr.0"]);
  assert.equal(statSync(join(directory, "stderr.0")).mode & 0o777, 0o600);
  assert.equal((await openOutputLog(directory, "stdout")).totalBytes, 0);
  assert.equal(await stdout.read(0, 10), null);
});

test("output log: opening ignores files with other names and files truncated by a power loss", async (t) => {
  const directory = temporaryDirectory(t);
  for (const name of ["stdout.5", "stdout.x", "stdout.", "stdout.01048576", "stdout.-1048576", "stdoutx.0"]) {
    writeFileSync(join(directory, name), "nonsense");
  }
  writeFileSync(join(directory, "stdout.0"), patternBytes(0, 500));
  writeFileSync(join(directory, `stdout.${MIB}`), patternBytes(MIB, 200));
  const log = await openOutputLog(directory, "stdout");
  assert.equal(log.totalBytes, MIB + 200);
  assert.deepEqual(log.keptRanges(), [
    { start: 0, end: 500 },
    { start: MIB, end: MIB + 200 },
  ]);
  assert.equal((await log.read(500, 10))?.offset, MIB);
  await log.append(patternBytes(MIB + 200, 300));
  assert.deepEqual((await log.read(MIB + 100, 1000))?.bytes, patternBytes(MIB + 100, 400));
});

test("a segment that another process removed is skipped like a dropped one", async (t) => {
  const directory = temporaryDirectory(t);
  const log = await openOutputLog(directory, "stdout");
  await log.append(patternBytes(0, 3 * MIB));
  rmSync(join(directory, `stdout.${MIB}`));
  const chunk = await log.read(MIB + 5, 10);
  assert.deepEqual(chunk, { offset: 2 * MIB, bytes: patternBytes(2 * MIB, 10) });
  await log.close();
});

test("output log: segments that a crash left beyond the limit are dropped when the log is written or closed", async (t) => {
  const directory = temporaryDirectory(t);
  for (let index = 0; index < 12; index += 1) {
    writeFileSync(join(directory, `stdout.${index * MIB}`), patternBytes(index * MIB, index === 11 ? 10 : MIB));
  }
  const log = await openOutputLog(directory, "stdout");
  assert.equal(log.keptRanges()[0]?.end, 11 * MIB + 10);
  await log.append(patternBytes(11 * MIB + 10, 10));
  await assertHolds(log, 11 * MIB + 20);
  assert.equal(readdirSync(directory).length, 9);
  writeFileSync(join(directory, `stdout.${5 * MIB}`), patternBytes(5 * MIB, MIB));
  const ended = await openOutputLog(directory, "stdout");
  await ended.close();
  await assertHolds(ended, 11 * MIB + 20);
});

test("bytes that a failed append left behind are overwritten, not counted", async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "stdout.0"), patternBytes(0, 100));
  const log = await openOutputLog(directory, "stdout");
  appendFileSync(join(directory, "stdout.0"), "left behind");
  writeFileSync(join(directory, `stdout.${MIB}`), "left behind");
  await log.append(patternBytes(100, MIB));
  await log.close();
  await assertHolds(log, MIB + 100);
  await assertHolds(await openOutputLog(directory, "stdout"), MIB + 100);
});

test("no file is held open once a log is closed", async (t) => {
  const directory = temporaryDirectory(t);
  const openHere = () =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return statSync(`/proc/self/fd/${fd}`).ino === statSync(join(directory, "stdout.0")).ino;
      } catch {
        return false;
      }
    }).length;
  const log = await openOutputLog(directory, "stdout");
  await log.append(Buffer.from("x"));
  assert.equal(openHere(), 1);
  await log.close();
  await log.read(0, 1);
  assert.equal(openHere(), 0);
});

test("output log: a failing append also fails the appends behind it, and no bytes land at a wrong offset", async (t) => {
  const directory = join(temporaryDirectory(t), "log");
  const log = await openOutputLog(directory, "stdout");
  await log.append(patternBytes(0, MIB - 10));
  // The next segment cannot be made.
  const obstacle = join(directory, `stdout.${MIB}`);
  mkdirSync(obstacle);
  const outcomes = await Promise.allSettled([log.append(patternBytes(MIB - 10, 20)), log.append(Buffer.from("gap"))]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.equal(log.totalBytes, MIB - 10);
  rmSync(obstacle, { recursive: true });
  await log.append(patternBytes(MIB - 10, 20));
  await log.close();
  await assertHolds(log, MIB + 10);
  await assertHolds(await openOutputLog(directory, "stdout"), MIB + 10);
});

test("a log of version 1 is still read", async () => {
  const log = await openOutputLog(fixturePath("v1/task-0123456789ab/execs/1"), "stdout");
  assert.deepEqual(await log.read(0, 100), { offset: 0, bytes: Buffer.from("grüezi\n") });
});

test("output log: a full disk returns DISK_FULL, totals stay right, and appends work again when there is space", (t) => {
  runOnTinyDisk(t, scriptPath("output-log-disk-full"), "3m");
});
