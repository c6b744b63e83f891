import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { findQcow2Problem } from "../../../src/environments/saved/qcow2.js";
import { temporaryDirectory } from "../fake-source.js";
import { DISK_MIB, writeQcow2 } from "./qcow2.js";

const SIZE = DISK_MIB * 1_048_576;

/** Features that an image may not have, by their number in its header. */
const refused: readonly (readonly [string, readonly [number, bigint]])[] = [
  ["it names a file below it", [8, 0x200n]],
  ["its size is not the recorded one", [24, 1n << 60n]],
  ["it is encrypted", [32, 1n << 32n]],
  ["it has snapshots of its own", [56, 1n]],
  ["it keeps its data in another file", [72, 0b100n]],
];

test("a qcow2 image that needs no other file has no problem", async (context) => {
  const path = join(await temporaryDirectory(context), "disk");
  writeQcow2(path);
  assert.equal(await findQcow2Problem(path, SIZE), null);
});

for (const [problem, change] of refused) {
  test(`a qcow2 image is refused: ${problem}`, async (context) => {
    const path = join(await temporaryDirectory(context), "disk");
    writeQcow2(path, "", change);
    assert.equal(await findQcow2Problem(path, SIZE), problem);
  });
}

test("an empty file, and a file that is not a qcow2 image, are refused", async (context) => {
  const path = join(await temporaryDirectory(context), "disk");
  writeFileSync(path, "");
  assert.equal(await findQcow2Problem(path, SIZE), "it is too short");
  writeFileSync(path, Buffer.alloc(4_096));
  assert.equal(await findQcow2Problem(path, SIZE), "it is not a qcow2 image of version 3");
});
