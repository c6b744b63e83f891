import { constants, deflateRawSync } from "node:zlib";

import { base256, END, raw } from "./raw-tar.js";

const BLOCK_BYTES = 16 * 2 ** 20;

/** The length of the tar stream in a bomb with one file of this many zeros. */
export function bombBytes(contentBytes: number): number {
  return 512 + Math.ceil(contentBytes / 512) * 512 + END.length;
}

/**
 * A gzipped archive with one file of zeros, quickly made for any size: one compressed block is repeated, since deflate blocks that end
 * on a byte can follow each other. 10 GiB are 10 MB of gzip.
 */
export async function* gzipBomb(contentBytes: number, name = "bomb"): AsyncGenerator<Buffer> {
  const header = raw({ name, size: base256(BigInt(contentBytes), 12) });
  const zeroBytes = bombBytes(contentBytes) - header.length;
  yield Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
  yield deflated(header);
  const block = deflated(Buffer.alloc(BLOCK_BYTES));
  for (let left = Math.floor(zeroBytes / BLOCK_BYTES); left > 0; left--) yield block;
  yield deflateRawSync(Buffer.alloc(zeroBytes % BLOCK_BYTES));
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crcWithZeros(crc(header), zeroBytes), 0);
  trailer.writeUInt32LE(bombBytes(contentBytes) % 2 ** 32, 4);
  yield trailer;
}

/** Complete blocks that end on a byte boundary. None is the last one, and none refers to bytes before its own start. */
function deflated(bytes: Buffer): Buffer {
  return deflateRawSync(bytes, { finishFlush: constants.Z_FULL_FLUSH });
}

const POLYNOMIAL = 0xedb88320;

function crc(bytes: Buffer): number {
  let register = 0xffffffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let bit = 0; bit < 8; bit++) register = register & 1 ? (register >>> 1) ^ POLYNOMIAL : register >>> 1;
  }
  return ~register >>> 0;
}

/** The checksum after this many further zero bytes, by squaring the step of one bit: 10 GiB take no time. */
function crcWithZeros(start: number, zeroBytes: number): number {
  let step = Array.from({ length: 32 }, (_, bit) => (bit === 0 ? POLYNOMIAL : 2 ** (bit - 1)));
  let register = ~start >>> 0;
  for (let bits = BigInt(zeroBytes) * 8n; bits > 0n; bits >>= 1n) {
    if (bits & 1n) register = apply(step, register);
    step = step.map((column) => apply(step, column));
  }
  return ~register >>> 0;
}

function apply(matrix: readonly number[], vector: number): number {
  let sum = 0;
  for (let bit = 0; bit < 32; bit++) if ((vector >>> bit) & 1) sum ^= matrix[bit] ?? 0;
  return sum >>> 0;
}
