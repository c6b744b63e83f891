import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { decompressed, readFileBytes } from "../../../src/environments/image/streams.js";

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

async function sizeOf(content: AsyncIterable<Uint8Array>): Promise<number> {
  let sizeBytes = 0;
  for await (const piece of content) sizeBytes += piece.length;
  return sizeBytes;
}

test("content that is both large and a large multiple of its compressed bytes is a bomb", async () => {
  const zeros = gzipSync(Buffer.alloc(1_000_000));
  const read = (sizeBytes: number, ratio: number) => sizeOf(decompressed(only(zeros), { sizeBytes, ratio }));
  await assert.rejects(read(500_000, 100), { code: "ENVIRONMENT_BUILD_FAILED", message: /decompression bomb/ });
  assert.equal(await read(500_000, 2_000), 1_000_000);
  assert.equal(await read(2_000_000, 100), 1_000_000);
});

test("a few empty members of gzip are read, a flood of them is refused", async () => {
  const [member, empty] = [gzipSync("content"), gzipSync("")];
  const read = (count: number) => sizeOf(decompressed(only(Buffer.concat([...Array(count).fill(empty), member]))));
  assert.equal(await read(10), 7);
  await assert.rejects(read(1_100), { code: "ARCHIVE_CORRUPT", message: /empty members/ });
});

test("no bytes of a file are read as none, wherever they begin", async () => {
  const path = fileURLToPath(import.meta.url);
  for (const start of [0, 5]) assert.equal(await sizeOf(readFileBytes(path, start, 0)), 0);
  assert.equal(await sizeOf(readFileBytes(path, 5, 3)), 3);
});
