import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";

import { fc, inAll } from "../property.js";

import { PyroError } from "../../src/contract/errors.js";
import { bombBytes, gzipBomb } from "./bomb.js";
import { tar } from "./raw-tar.js";
import { factsOfArchive, inPieces, readAll } from "./trees.js";

const content = Buffer.from(Array.from({ length: 700 }, (_, i) => (i * i) % 251));
const archive = tar({ name: "d/", type: "5" }, { name: "d/f", content }, { name: "l", type: "2", link: "d/f" });

test("a gzip stream cut in any pieces and members gives the same tree", async () => {
  const expected = await factsOfArchive(archive);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(archive.length), { maxLength: 5 }),
      fc.integer({ min: 1, max: 3_000 }),
      async (cuts, pieceBytes) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), archive.length];
        const members = edges.slice(1).map((end, i) => gzipSync(archive.subarray(edges[i], end)));
        assert.deepEqual(await factsOfArchive(Buffer.concat(members), pieceBytes), expected);
      },
    ),
    { numRuns: inAll(40) },
  );
});

test("any corrupted byte of a gzip stream is refused or changes nothing", async () => {
  const expected = await factsOfArchive(archive);
  const whole = Buffer.concat([
    gzipSync(archive.subarray(0, 2_000)),
    gzipSync(archive.subarray(2_000)),
    Buffer.alloc(3),
  ]);
  let refusals = 0;
  for (let at = 0; at < whole.length; at++) {
    for (const wrong of new Set([0, 0x1f, 0xff, (whole[at] ?? 0) ^ (1 << (at % 8))])) {
      if (wrong === whole[at]) continue;
      const bytes = Buffer.from(whole);
      bytes[at] = wrong;
      try {
        assert.deepEqual(await factsOfArchive(bytes), expected, `byte ${at} as ${wrong}`);
      } catch (error) {
        if (!(error instanceof PyroError)) throw error;
        assert.equal(error.code, "ARCHIVE_CORRUPT", `byte ${at} as ${wrong}`);
        refusals++;
      }
    }
  }
  assert.ok(refusals > whole.length);
});

test("any truncated gzip stream is refused", async () => {
  const whole = gzipSync(archive);
  for (let bytes = 1; bytes < whole.length; bytes += 7) {
    await assert.rejects(factsOfArchive(whole.subarray(0, bytes)), { code: "ARCHIVE_CORRUPT" });
  }
});

test("a gzip bomb stops at the limit before its content is read", async () => {
  await assert.rejects(readAll(gzipBomb(10 * 2 ** 30), { freeBytes: 2 ** 30 }), (error: unknown) => {
    assert.ok(error instanceof PyroError);
    assert.equal(error.code, "WORKSPACE_FULL");
    assert.deepEqual([error.details["entry"], error.details["room_bytes"]], ["bomb", 2 ** 30]);
    return true;
  });
});

test("the bomb is real, and reading it takes no memory", async () => {
  const small = 2 * 2 ** 20 + 777;
  assert.equal(gunzipSync(await joined(gzipBomb(small))).length, bombBytes(small));
  const before = process.memoryUsage().rss;
  let most = before;
  let read = 0;
  const { readArchive } = await import("../../src/archive/read.js");
  for await (const entry of readArchive(gzipBomb(2 ** 28))) {
    for await (const chunk of entry.content) {
      read += chunk.length;
      most = Math.max(most, process.memoryUsage.rss());
    }
  }
  assert.equal(read, 2 ** 28);
  assert.ok(most - before < 64 * 2 ** 20, `${(most - before) / 2 ** 20} MiB more`);
});

test("an error of the source is thrown", async () => {
  async function* broken() {
    yield* inPieces(gzipSync(archive).subarray(0, 40));
    throw new Error("cut");
  }
  await assert.rejects(readAll(broken()), { message: "cut" });
});

async function joined(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
