import assert from "node:assert/strict";
import { gunzipSync, gzipSync } from "node:zlib";

import { isGzip } from "../../../src/archive/gunzip.js";
import { readArchive } from "../../../src/archive/read.js";
import { checksumOf } from "../../../src/archive/header.js";
import { specimens } from "../../archive/corpus.js";
import { describeRefusal, piecesOf, streamOf, type FuzzTarget } from "../target.js";

const BLOCK = 512;
const CHECKSUM_AT = 148;
/** Archives of that size and less are seeds: larger ones are slow to change. */
const MOST_SEED_BYTES = 16_384;
const seeds = specimens.map(({ bytes }) => bytes).filter(({ length }) => length <= MOST_SEED_BYTES);

/** An archive whose headers have the right checksums, so that a change reaches the parser behind them. Every fourth one stays as it is. */
export function withChecksums(input: Buffer): Buffer {
  if (input.length % 4 === 3) return input;
  for (let at = 0; at + BLOCK <= input.length; at += BLOCK) {
    const block = input.subarray(at, at + BLOCK);
    if (block.toString("latin1", 257, 262) !== "ustar") continue;
    block.write(`${checksumOf(block).toString(8).padStart(6, "0")}\0 `, CHECKSUM_AT, 8, "latin1");
  }
  return input;
}

async function readWhole(source: AsyncIterable<Uint8Array>): Promise<string> {
  const kinds = new Set<string>();
  let left = 4 * MOST_SEED_BYTES;
  try {
    for await (const { path, type, mode, mtimeNs, sizeBytes, target, content } of readArchive(source)) {
      const parts = path.split("/");
      assert.ok(
        path === "" || parts.every((part) => !["", ".", ".."].includes(part)),
        `a path leaves the tree: ${path}`,
      );
      assert.ok(!path.includes("\0") && mode === (mode & 0o777) && mtimeNs >= 0 && mtimeNs < 1e9 && sizeBytes >= 0);
      assert.equal(target === null, type === "file" || type === "directory");
      let count = 0;
      for await (const piece of content) {
        count += piece.length;
        left -= piece.length;
        // A file with holes may be as large as it likes.
        if (left < 0) return "large";
      }
      assert.equal(count, sizeBytes);
      kinds.add(type);
    }
    return `read ${[...kinds].join()}`;
  } catch (error) {
    return describeRefusal(error, /^ARCHIVE_|^WORKSPACE_FULL$/);
  }
}

/** Archives, compressed ones aside: the same however they are cut; no entry leaves the tree, and every error is that of an archive. */
export const tar: FuzzTarget = {
  name: "tar",
  seeds: seeds.filter((bytes) => !isGzip(bytes)),
  words: [
    "ustar\u000000",
    "ustar  \u0000",
    "../",
    "/",
    "path=",
    "linkpath=",
    "size=",
    "GNU.sparse.map=",
    "SCHILY.xattr.",
    "30 mtime=",
  ],
  maxBytes: MOST_SEED_BYTES,
  run: async (given) => {
    const input = withChecksums(given);
    const [outcome, inParts] = [await readWhole(streamOf([input])), await readWhole(streamOf(piecesOf(input)))];
    // Damage of compressed data may be found before or after that of the archive in it.
    const isSame = isGzip(input) ? inParts.split(" ")[0] === outcome.split(" ")[0] : inParts === outcome;
    assert.ok(isSame, `${inParts}, not ${outcome}`);
    return outcome;
  },
};

/** One input in so many is in small pieces: each piece takes a turn of another thread. */
const ONE_IN = 16;

/** Compressed archives. */
export const gzip: FuzzTarget = {
  name: "gzip",
  seeds: seeds.flatMap((bytes, index) => (index % 8 === 0 && bytes.length < 4_096 ? [gzipSync(bytes)] : [])),
  words: [Buffer.from([0x1f, 0x8b]), Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])],
  maxBytes: 4_096,
  run: async (input) => {
    const outcome = await readWhole(streamOf(piecesOf(input, ONE_IN)));
    if (outcome.startsWith("read ") && input.length > 2 && input[0] === 0x1f) gunzipSync(input);
    return outcome;
  },
};
