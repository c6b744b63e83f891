import assert from "node:assert/strict";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { follow } from "../../src/store/follow.js";
import { openOutputLog, type OutputLog } from "../../src/store/output-log.js";
import { patternBytes, temporaryDirectory } from "./scratch.js";

const MIB = 1 << 20;
const CHUNK = 61_441;

async function write(log: OutputLog, totalBytes: number): Promise<void> {
  while (log.totalBytes < totalBytes) {
    await log.append(patternBytes(log.totalBytes, Math.min(CHUNK, totalBytes - log.totalBytes)));
  }
}

/** Follows to the end and asserts that each byte is at its place. Returns the number of bytes and of gaps. */
async function drain(log: OutputLog, from: number, blocking: boolean): Promise<{ bytes: number; gaps: number }> {
  let next = from;
  const seen = { bytes: 0, gaps: 0 };
  for await (const chunk of follow(log, { from, blocking })) {
    assert.ok(chunk.bytes.length <= 262_144);
    assert.ok(chunk.bytes.equals(patternBytes(chunk.offset, chunk.bytes.length)));
    if (chunk.offset !== next) seen.gaps += 1;
    seen.bytes += chunk.bytes.length;
    next = chunk.offset + chunk.bytes.length;
  }
  return seen;
}

/** Enough turns of the event loop for running file operations to end. */
async function settle(isSettled: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  let same = 0;
  while (same < 50) {
    assert.ok(Date.now() < deadline);
    await new Promise((resolve) => setTimeout(resolve, 1));
    same = isSettled() ? same + 1 : 0;
  }
}

/** Waits until the writer makes no more progress. */
async function standstill(log: OutputLog): Promise<number> {
  let last = -1;
  await settle(() => {
    const isSame = last === log.totalBytes;
    last = log.totalBytes;
    return isSame;
  });
  return last;
}

test("blocking followers get all of 50 MB while the disk keeps about 9 MiB", async (t) => {
  const directory = temporaryDirectory(t);
  const log = await openOutputLog(directory, "stdout");
  const total = 50_000_000;
  const first = drain(log, 0, true);
  const second = drain(log, 0, true);
  const third = drain(log, 40_000_000, true);
  let mostBytes = 0;
  while (log.totalBytes < total) {
    await write(log, Math.min(total, log.totalBytes + 5 * CHUNK));
    const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
    mostBytes = Math.max(
      mostBytes,
      sizes.reduce((a, b) => a + b),
    );
  }
  await log.close();
  assert.deepEqual(await first, { bytes: total, gaps: 0 });
  assert.deepEqual(await second, { bytes: total, gaps: 0 });
  assert.deepEqual(await third, { bytes: total - 40_000_000, gaps: 0 });
  assert.ok(mostBytes > 8 * MIB && mostBytes <= 9 * MIB, String(mostBytes));
  assert.equal(await log.read(total, 1), null);
});

test("the writer waits for a paused blocking follower until it continues or leaves", async (t) => {
  const log = await openOutputLog(temporaryDirectory(t), "stdout");
  const controller = new AbortController();
  const slow = follow(log, { from: 0, blocking: true, signal: controller.signal });
  const firstChunk = slow.next();
  const writing = write(log, 20 * MIB);
  const first = await firstChunk;
  const heldAt = await standstill(log);
  assert.ok(heldAt > 2 * MIB - CHUNK && heldAt <= 2 * MIB, String(heldAt));

  let next = first.value!.offset + first.value!.bytes.length;
  while (next < 4 * MIB) {
    const { value } = await slow.next();
    assert.equal(value!.offset, next);
    next += value!.bytes.length;
  }
  const heldAgain = await standstill(log);
  assert.ok(heldAgain > 5 * MIB && heldAgain < 7 * MIB, String(heldAgain));

  controller.abort(); // while the follower is not being asked
  await writing;
  assert.equal(log.totalBytes, 20 * MIB);
  assert.equal((await slow.next()).done, true);
  await log.close();
});

test("a follower finds all of its output in pieces of 1 MiB after processes that died one after the other", async (t) => {
  const directory = temporaryDirectory(t);
  /** The bytes that a follower has passed on and its client has not taken. */
  const underwayBytes = MIB;
  const dead: OutputLog[] = [];
  t.after(() => {
    for (const log of dead) log.releaseWriter();
    return Promise.all(dead.map((log) => log.close()));
  });
  /** Writes as large pieces as a guest sends, until the writer waits and its process dies. */
  const writeUntilDeath = async (log: OutputLog) => {
    const append = async () => {
      while (!dead.includes(log)) await log.append(patternBytes(log.totalBytes, MIB));
    };
    void append().catch(() => {}); // The last piece comes when the directory is gone.
    await standstill(log);
    dead.push(log);
  };
  const first = await openOutputLog(directory, "stdout");
  const passedOn = follow(first, { from: 0, blocking: true });
  let taken = (await Promise.all([passedOn.next(), first.append(patternBytes(0, MIB))]))[0];
  const writing = writeUntilDeath(first);
  while (taken.value!.offset < 9 * MIB) taken = await passedOn.next();
  await writing;
  for (const _ of [1, 2, 3]) {
    const next = await openOutputLog(directory, "stdout");
    next.keepPlace();
    await writeUntilDeath(next);
  }

  const log = await openOutputLog(directory, "stdout");
  const from = taken.value!.offset - underwayBytes;
  const place = log.keepPlace();
  const returned = drain(log, from, true);
  place.leave();
  await log.append(patternBytes(log.totalBytes, 2 * MIB));
  await log.close();
  assert.deepEqual(await returned, { bytes: log.totalBytes - from, gaps: 0 });
  const kept = log.keptRanges().reduce((sum, { start, end }) => sum + end - start, 0);
  assert.ok(kept >= 8 * MIB && kept <= 9 * MIB, String(kept));
});

test("a follower that leaves its loop or is released no longer pauses the writer; other followers lose nothing", async (t) => {
  const log = await openOutputLog(temporaryDirectory(t), "stdout");
  const left = follow(log, { from: 0, blocking: true });
  void left.next();
  const writing = write(log, 10 * MIB);
  await standstill(log);
  await left.return();
  await writing;

  const stalled = follow(log, { from: log.totalBytes, blocking: true });
  const firstChunk = stalled.next();
  const more = write(log, 12 * MIB + 3 * CHUNK);
  let next = (await firstChunk).value!.offset + (await firstChunk).value!.bytes.length;
  await standstill(log);
  log.releaseWriter();
  await more;
  await write(log, log.totalBytes + 9 * CHUNK);
  await log.close();
  for await (const chunk of stalled) {
    assert.equal(chunk.offset, next);
    next += chunk.bytes.length;
  }
  assert.equal(next, log.totalBytes);
});

test("a follower that does not block skips bytes and gets the next offset", async (t) => {
  const log = await openOutputLog(temporaryDirectory(t), "stdout");
  const slow = follow(log, { from: 0 });
  const firstChunk = slow.next();
  await write(log, 30 * MIB);
  await log.close();
  let next = 0;
  const first = (await firstChunk).value!;
  assert.equal(first.offset, 0);
  next = first.bytes.length;
  const jumps: [number, number][] = [];
  for await (const { offset, bytes } of slow) {
    if (offset !== next) jumps.push([next, offset]);
    next = offset + bytes.length;
  }
  assert.deepEqual(jumps, [[4 * MIB, 26 * MIB]]);
  assert.equal(next, 30 * MIB);
});

test("a follower waits for further output, resumes at a cursor, and ends with the log", async (t) => {
  const directory = temporaryDirectory(t);
  const log = await openOutputLog(directory, "stdout");
  const seen: string[] = [];
  const following = (async () => {
    for await (const { bytes } of follow(log, { from: 2 })) seen.push(bytes.toString());
  })();
  await log.append(Buffer.from("one"));
  await log.append(Buffer.from("two"));
  await log.close();
  await following;
  assert.equal(seen.join(""), "etwo");
  const ended = await openOutputLog(directory, "stdout");
  await ended.close();
  assert.deepEqual(await drain(ended, 6, true), { bytes: 0, gaps: 0 });
  assert.deepEqual(await drain(ended, 999, false), { bytes: 0, gaps: 0 });
});

test("an aborted follower ends without an error, also one that waits or never began", async (t) => {
  const log = await openOutputLog(temporaryDirectory(t), "stdout");
  const controller = new AbortController();
  const waiting = follow(log, { from: 0, signal: controller.signal, blocking: true });
  const next = waiting.next();
  await new Promise(setImmediate);
  controller.abort();
  assert.equal((await next).done, true);
  assert.equal((await follow(log, { from: 0, signal: AbortSignal.abort() }).next()).done, true);
  await write(log, 5 * MIB);
  await log.close();
});
