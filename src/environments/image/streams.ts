import { createHash } from "node:crypto";

import { ByteReader } from "../../archive/bytes.js";
import { gunzip, isGzip } from "../../archive/gunzip.js";
import { assertFreeSpace } from "../../host/disk.js";
import { openRegular } from "../../host/files.js";
import { imageError } from "./failure.js";
import { isZstd, unzstd, ZSTD_START_BYTES } from "./zstd.js";

export type ByteStream = AsyncIterable<Uint8Array>;

const CHUNK_BYTES = 262_144;
/** Free disk that a pull leaves, and how often the pull checks it. */
const RESERVE_MIB = 64;
const CHECKED_BYTES = 16_777_216;
/** Content of more bytes, and of a larger multiple of its compressed bytes, is a bomb. An honest layer of zeros is not that large. */
const BOMB = { sizeBytes: 12 * 2 ** 30, ratio: 200 };

/** The bytes of a file, or of a part of it. Throws the error of opening it at the first read. */
export async function* readFileBytes(
  path: string,
  start = 0,
  sizeBytes = Infinity,
): ByteStream & AsyncGenerator<Uint8Array> {
  const file = await openRegular(path);
  if (file === null) throw imageError("unreadable", `${path} cannot be read: it is not a regular file.`, { path });
  // A stream that ends before its start is refused.
  if (sizeBytes === 0) return file.close();
  yield* file.createReadStream({ start, highWaterMark: CHUNK_BYTES, end: start + sizeBytes - 1 });
}

/** The same bytes, at most this many, until the signal. */
export async function* limited(
  source: ByteStream,
  mostBytes: number,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const piece of source) {
    signal.throwIfAborted();
    sizeBytes += piece.length;
    if (sizeBytes > mostBytes) throw imageError("too_large", `${what} is larger than ${mostBytes} bytes.`);
    yield piece;
  }
}

/** The same bytes, while the disk that gets them has room. Throws DISK_FULL. */
export async function* whileRoom(source: ByteStream, directory: string, what: string): AsyncGenerator<Uint8Array> {
  let uncheckedBytes = CHECKED_BYTES;
  for await (const piece of source) {
    uncheckedBytes += piece.length;
    if (uncheckedBytes >= CHECKED_BYTES) {
      await assertFreeSpace(directory, RESERVE_MIB, what);
      uncheckedBytes = 0;
    }
    yield piece;
  }
}

/** The same bytes; throws at their end when they have another digest. */
export async function* verified(source: ByteStream, digest: string, what: string): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
  const found = `sha256:${hash.digest("hex")}`;
  if (found !== digest) throw imageError("digest", `${what} has the wrong digest.`, { expected: digest, found });
}

/** The bytes of a stream that may be compressed with gzip or zstd. Throws `too_large` for a decompression bomb. */
export async function* decompressed(source: ByteStream, bomb = BOMB): AsyncGenerator<Uint8Array> {
  const input = new ByteReader(source);
  try {
    const start = await input.upTo(ZSTD_START_BYTES);
    input.unread(start);
    if (isGzip(start)) yield* plausible(gunzip(input), input, bomb);
    else if (isZstd(start)) yield* plausible(unzstd(rest(input)), input, bomb);
    else yield* rest(input);
  } finally {
    await input.close();
  }
}

async function* plausible(content: ByteStream, input: ByteReader, bomb: typeof BOMB): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const piece of content) {
    sizeBytes += piece.length;
    if (sizeBytes > bomb.sizeBytes && sizeBytes > bomb.ratio * input.position) {
      const what = `${input.position} compressed bytes grow to more than ${bomb.sizeBytes}: a decompression bomb.`;
      throw imageError("too_large", what);
    }
    yield piece;
  }
}

async function* rest(input: ByteReader): AsyncGenerator<Buffer> {
  for (let piece = await input.some(Infinity); piece !== null; piece = await input.some(Infinity)) yield piece;
}

/** All bytes of a small document. */
export async function readAll(source: ByteStream, mostBytes: number, what: string): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const piece of source) {
    sizeBytes += piece.length;
    if (sizeBytes > mostBytes) throw imageError("invalid", `${what} is larger than ${mostBytes} bytes.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
