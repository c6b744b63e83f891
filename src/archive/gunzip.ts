import { crc32, createInflateRaw, type InflateRaw } from "node:zlib";

import type { ByteReader } from "./bytes.js";
import { corrupt } from "./refusal.js";

/** Output at a time: twice as much is hardly faster, and costs tens of MiB until it is collected. */
const OUTPUT_BYTES = 65_536;
const INPUT_BYTES = 65_536;
const FLAGS = { headerCrc: 2, extra: 4, name: 8, comment: 16, reserved: 0xe0 } as const;
/** Maximum length of a name or a comment in a member's header. */
const TEXT_BYTES = 65_536;
/** Programs write one at most; reading a member takes time, however short it is. */
const EMPTY_MEMBERS = 1_000;

/** Whether these first bytes begin a gzip member. */
export function isGzip(start: Buffer): boolean {
  return start[0] === 0x1f && start[1] === 0x8b;
}

/**
 * The content of one gzip member or several. Node's own reader silently stops at bytes after a member that are
 * not a member; here they are an error, except zeros up to the end. Output is produced only as fast as it is consumed.
 */
export async function* gunzip(input: ByteReader): AsyncGenerator<Buffer> {
  let empty = 0;
  do {
    await readHeader(input);
    let checksum = 0;
    let bytes = 0;
    for await (const chunk of inflate(input)) {
      checksum = crc32(chunk, checksum);
      bytes += chunk.length;
      yield chunk;
    }
    const trailer = await input.upTo(8);
    if (trailer.length < 8) throw corrupt("its gzip data is truncated");
    if (trailer.readUInt32LE(0) !== checksum) throw corrupt("a gzip checksum is wrong");
    if (trailer.readUInt32LE(4) !== bytes % 2 ** 32) throw corrupt("a gzip length is wrong");
    if (bytes === 0 && (empty += 1) > EMPTY_MEMBERS) throw corrupt("its gzip data has too many empty members");
  } while (await anotherMember(input));
}

async function anotherMember(input: ByteReader): Promise<boolean> {
  const start = await input.upTo(2);
  input.unread(start);
  if (isGzip(start)) return true;
  for (let rest = await input.some(INPUT_BYTES); rest !== null; rest = await input.some(INPUT_BYTES)) {
    if (rest.some((byte) => byte !== 0)) throw corrupt("other bytes follow its gzip data");
  }
  return false;
}

async function readHeader(input: ByteReader): Promise<void> {
  let checksum = 0;
  const take = async (bytes: number) => {
    const taken = await input.upTo(bytes);
    if (taken.length < bytes) throw corrupt("its gzip data is truncated");
    checksum = crc32(taken, checksum);
    return taken;
  };
  const takeText = async () => {
    for (let bytes = 0; (await take(1))[0] !== 0; bytes++) {
      if (bytes > TEXT_BYTES) throw corrupt("a gzip header is too long");
    }
  };
  const start = await take(10);
  const flags = start.readUInt8(3);
  if (!isGzip(start) || start[2] !== 8 || flags & FLAGS.reserved) throw corrupt("a gzip header is invalid");
  if (flags & FLAGS.extra) await take((await take(2)).readUInt16LE(0));
  if (flags & FLAGS.name) await takeText();
  if (flags & FLAGS.comment) await takeText();
  if (flags & FLAGS.headerCrc) {
    const expected = checksum & 0xffff;
    if ((await take(2)).readUInt16LE(0) !== expected) throw corrupt("the checksum of a gzip header is invalid");
  }
}

/** One deflate stream; bytes that were read beyond its end are put back. */
async function* inflate(input: ByteReader): AsyncGenerator<Buffer> {
  const inflater = createInflateRaw({ chunkSize: OUTPUT_BYTES });
  const closed = new Promise<void>((resolve) => inflater.once("end", resolve).once("close", resolve));
  const feeding = feed(input, inflater, closed);
  // The iteration below throws a failure of the source.
  feeding.catch((error: unknown) => inflater.destroy(error as Error));
  try {
    for await (const chunk of inflater) yield chunk as Buffer;
  } catch (error) {
    throw isZlibError(error) ? corrupt("its gzip data is truncated or invalid") : error;
  } finally {
    inflater.destroy();
  }
  const { last, fedBytes } = await feeding;
  // Each piece is fed when the one before it is used up: only the last can reach beyond the end.
  input.unread(last.subarray(last.length - (fedBytes - inflater.bytesWritten)));
}

async function feed(input: ByteReader, inflater: InflateRaw, closed: Promise<void>) {
  let last: Buffer = Buffer.alloc(0);
  let fedBytes = 0;
  // When a piece was not used up, the deflate stream has ended within it.
  while (inflater.bytesWritten === fedBytes && !inflater.destroyed) {
    const piece = await input.some(INPUT_BYTES);
    if (piece === null) {
      inflater.end();
      break;
    }
    last = piece;
    fedBytes += piece.length;
    await Promise.race([new Promise((resolve) => inflater.write(piece, resolve)), closed]);
  }
  await closed;
  return { last, fedBytes };
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}
