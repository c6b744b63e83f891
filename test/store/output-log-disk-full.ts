/** Run by output-log.test.ts on a tmpfs of 3 MiB. */
import assert from "node:assert/strict";
import { readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { PyroError } from "../../src/contract/errors.js";
import { openOutputLog } from "../../src/store/output-log.js";
import { patternBytes } from "./scratch.js";

const mountPoint = process.argv[2] ?? "";
const directory = join(mountPoint, "log");
const ballast = join(mountPoint, "ballast");
writeFileSync(ballast, Buffer.alloc(1 << 20));

const bytesOnDisk = () => readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

let log = await openOutputLog(directory, "stdout");
const CHUNK = 100_003;
let total = 0;
for (let failed = 0; failed < 3;) {
  try {
    await log.append(patternBytes(total, CHUNK));
    total += CHUNK;
  } catch (error) {
    assert.ok(error instanceof PyroError && error.code === "DISK_FULL", String(error));
    assert.equal(log.totalBytes, total);
    assert.equal(bytesOnDisk(), total, "nothing half written");
    failed += 1;
  }
}
assert.ok(total > 1_800_000 && total < 2_200_000, String(total));

// Reopened while the disk is full.
await log.close();
log = await openOutputLog(directory, "stdout");
assert.equal(log.totalBytes, total);
await assert.rejects(log.append(patternBytes(total, CHUNK)), { code: "DISK_FULL" });

// A retry in the same turn as the failure does not fail because of its predecessor.
await log.append(patternBytes(total, CHUNK)).catch(() => {
  rmSync(ballast);
  return log.append(patternBytes(total, CHUNK));
});
total += CHUNK;
await log.append(patternBytes(total, CHUNK));
total += CHUNK;
await log.close();

const reopened = await openOutputLog(directory, "stdout");
assert.equal(reopened.totalBytes, total);
for (let offset = 0; offset < total;) {
  const chunk = await reopened.read(offset, 1 << 20);
  assert.ok(chunk !== null && chunk.offset === offset && chunk.bytes.equals(patternBytes(offset, chunk.bytes.length)));
  offset += chunk.bytes.length;
}
