import assert from "node:assert/strict";
import { test } from "node:test";

import { PyroError } from "../../../src/contract/errors.js";
import { BlobCache } from "../../../src/environments/registry/blobs.js";
import { temporaryDirectory, unhurried } from "../fake-source.js";
import { sha256 } from "../image/saved.js";

const blob = Buffer.alloc(1_000, "x");

/** Sends the bytes, then breaks the connection. */
async function* broken(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  throw new PyroError("REGISTRY_UNREACHABLE", "It broke.", { details: { reason: "network" } });
}

/** Fetches a blob of a registry that breaks each connection. */
async function fetchFrom(directory: string, bytesPerTry: number) {
  const pauses: number[] = [];
  let opened = 0;
  const cache = new BlobCache(directory, async (ms) => void pauses.push(ms));
  const source = {
    digest: sha256(blob),
    sizeBytes: blob.length,
    open: async (offset: number) => {
      opened += 1;
      return { offset, bytes: broken(blob.subarray(offset, offset + bytesPerTry)) };
    },
  };
  const result = await cache
    .fetch(source, { signal: unhurried(), onProgress: () => {} })
    .catch((error: unknown) => error);
  return { result, opened, pauses };
}

test("a registry that breaks after each byte is asked a limited number of times, with longer and longer pauses", async (context) => {
  const directory = await temporaryDirectory(context);
  const { result, opened, pauses } = await fetchFrom(directory, 1);
  assert.equal((result as PyroError).code, "REGISTRY_UNREACHABLE");
  assert.equal(opened, 100);
  assert.equal(pauses.length, 99);
  assert.ok(pauses.every((ms, index) => ms > 0 && ms >= (pauses[index - 1] ?? 0)));
  const next = await fetchFrom(directory, 90);
  assert.equal(typeof next.result, "string");
  assert.equal(next.opened, 10, "the next fetch continues");
});
