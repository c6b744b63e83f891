import { corrupt } from "./refusal.js";

export const BLOCK_BYTES = 512;
const SPACE = 0x20;

/** The fields of one header block, names as raw bytes. Numbers that a type may lack are read on demand. */
export interface Header {
  readonly block: Buffer;
  readonly name: Buffer;
  readonly link: Buffer;
  /** One character; V7 tar wrote `"\0"` for a file. */
  readonly type: string;
}

/** Whether a block is all zeros, as the two at the end of an archive are. */
export function isZeroBlock(block: Buffer): boolean {
  return block.every((byte) => byte === 0);
}

/** The place of a header in its archive. */
interface HeaderPlace {
  readonly position: number;
  /** The name of the entry before it. */
  readonly after: string | undefined;
}

/**
 * The fields of a block whose checksum is right, else ARCHIVE_CORRUPT. The error shows nothing of the block, which may be the content
 * of any file.
 */
export function parseHeader(block: Buffer, { position, after }: HeaderPlace): Header {
  const name = field(block, 0, 100);
  const stored = parseNumber(field(block, 148, 8));
  if (stored === null || !sums(block).includes(stored)) {
    const where = after === undefined ? "the first header" : `the header at byte ${position}, after this entry,`;
    throw corrupt(`${where} has a wrong checksum, or the file is not a tar archive`, after);
  }
  const magic = block.toString("latin1", 257, 263);
  const prefix = magic === "ustar\0" ? field(block, 345, isStar(block) ? 131 : 155) : Buffer.alloc(0);
  return {
    block,
    name: prefix.length === 0 || prefix[0] === 0 ? name : Buffer.concat([trimNuls(prefix), Buffer.from("/"), name]),
    link: field(block, 157, 100),
    type: String.fromCharCode(block.readUInt8(156)),
  };
}

/** Whether a block is a header, or the zeros of an archive without entries. */
export function isArchiveHeader(block: Buffer): boolean {
  if (block.length < BLOCK_BYTES) return false;
  const stored = parseNumber(field(block, 148, 8));
  return isZeroBlock(block) || (stored !== null && sums(block).includes(stored));
}

/** The sum that a header's checksum field holds. */
export function checksumOf(block: Buffer): number {
  return sums(block)[0];
}

/** A number field: octal, or base 256. Anything else is refused, and so is a missing number. */
export function numberAt(block: Buffer, offset: number, bytes: number, what: string, entry: string): number {
  const value = parseNumber(field(block, offset, bytes));
  if (value === null) throw corrupt(`its ${what} is not a number`, entry);
  return value;
}

/** A field without its trailing NULs. A NUL in the middle stays, and makes a name invalid. */
export function trimNuls(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

function field(block: Buffer, offset: number, bytes: number): Buffer {
  return block.subarray(offset, offset + bytes);
}

function parseNumber(bytes: Buffer): number | null {
  const first = bytes[0] ?? 0;
  if (first === 0x80 || first === 0xff) return base256(bytes);
  const match = /^ *([0-7]+)[ \0]*$/.exec(bytes.toString("latin1"));
  return match?.[1] === undefined ? null : Number.parseInt(match[1], 8);
}

/** Two's complement over all bytes but the marking bit; null when JavaScript cannot count as far. */
function base256(bytes: Buffer): number | null {
  const value = BigInt.asIntN(bytes.length * 8 - 1, BigInt(`0x${bytes.toString("hex")}`));
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : null;
}

/** The sums over the bytes, unsigned and signed, with spaces in place of the checksum: some programs summed signed bytes. */
function sums(block: Buffer): [number, number] {
  let unsigned = 8 * SPACE;
  let high = 0;
  for (let i = 0; i < BLOCK_BYTES; i++) {
    if (i >= 148 && i < 156) continue;
    const byte = block[i] ?? 0;
    unsigned += byte;
    if (byte >= 0x80) high++;
  }
  return [unsigned, unsigned - 256 * high];
}

/** Star keeps two times at the end of the prefix; GNU tar recognises star's headers by them. */
function isStar(block: Buffer): boolean {
  const time = /^[0-7]{11} $/;
  return (
    block[475] === 0 && time.test(block.toString("latin1", 476, 488)) && time.test(block.toString("latin1", 488, 500))
  );
}
