import { BLOCK_BYTES, numberAt } from "./header.js";
import type { Member, MemberReader } from "./members.js";
import { parseDecimal } from "./pax.js";
import { corrupt } from "./refusal.js";

/** A sparse file's own size, and where its stored bytes belong: pairs of offset and length, rising. */
export interface SparseMap {
  readonly sizeBytes: number;
  readonly pieces: readonly (readonly [offset: number, bytes: number])[];
}

/** More pieces than a file system's worst file has; they are held in memory. */
const MOST_PIECES = 1_000_000;
const ZEROS = Buffer.alloc(65_536);

/** How a sparse member is stored, in any of GNU tar's four ways; null for an ordinary one. */
export async function readSparseMap(member: Member, reader: MemberReader): Promise<SparseMap | null> {
  const map = member.type === "S" ? await readOldMap(member, reader) : await readPaxMap(member, reader);
  if (map === null) return null;
  let end = 0;
  let stored = 0;
  for (const [offset, bytes] of map.pieces) {
    if (offset < end || offset + bytes > map.sizeBytes) throw wrongMap(member);
    end = offset + bytes;
    // GNU tar ends a map with an empty piece at the end of the last hole.
    if (bytes === 0) continue;
    // After a piece that does not fill its last block, some readers expect the next piece in a new block, others right after it.
    if (stored % BLOCK_BYTES !== 0) throw wrongMap(member);
    stored += bytes;
  }
  if (stored !== reader.remainingBytes) throw wrongMap(member);
  return map;
}

/** The file's content, holes as zeros. */
export async function* expandSparse(map: SparseMap, reader: MemberReader): AsyncGenerator<Buffer> {
  let position = 0;
  for (const [offset, bytes] of map.pieces) {
    yield* zeros(offset - position);
    yield* reader.content(bytes);
    position = offset + bytes;
  }
  yield* zeros(map.sizeBytes - position);
}

function* zeros(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, left);
}

async function readOldMap(member: Member, reader: MemberReader): Promise<SparseMap> {
  const number = (block: Buffer, offset: number) => {
    const value = numberAt(block, offset, 12, "map of holes", member.shown);
    if (value < 0) throw wrongMap(member);
    return value;
  };
  const pieces: [number, number][] = [];
  const add = (block: Buffer, start: number, count: number) => {
    for (let at = start; at < start + count * 24 && block[at + 12] !== 0; at += 24) {
      pieces.push([number(block, at), number(block, at + 12)]);
    }
  };
  const { block } = member.header;
  add(block, 386, 4);
  for (let extended = block[482] !== 0; extended;) {
    if (pieces.length > MOST_PIECES) throw wrongMap(member);
    const extension = await reader.takeHeaderBlock();
    add(extension, 0, 21);
    extended = extension[504] !== 0;
  }
  return { sizeBytes: number(block, 483), pieces };
}

async function readPaxMap(member: Member, reader: MemberReader): Promise<SparseMap | null> {
  if (member.sparse.length === 0) return null;
  const text = (key: string) =>
    member.sparse.findLast(([name]) => name === `GNU.sparse.${key}`)?.[1].toString("latin1");
  const decimal = (value: string | undefined) => {
    const number = parseDecimal(value ?? "");
    if (number === null) throw wrongMap(member);
    return number;
  };
  const sizeBytes = decimal(text("realsize") ?? text("size"));
  if (text("major") === "1" && text("minor") === "0") {
    return { sizeBytes, pieces: await readStoredMap(member, reader, decimal) };
  }
  const list = text("map");
  const numbers =
    list === undefined
      ? member.sparse.filter(([key]) => /\.(offset|numbytes)$/.test(key)).map(([, value]) => value.toString("latin1"))
      : list.split(",").filter((part) => part !== "");
  return { sizeBytes, pieces: pairs(numbers.map(decimal), member) };
}

/** Version 1.0: decimal numbers, one a line, filled up to a block, before the content. */
async function readStoredMap(member: Member, reader: MemberReader, decimal: (text: string) => number) {
  let text = "";
  const lines: number[] = [];
  let expected = 1;
  while (lines.length < expected) {
    text += (await reader.take(BLOCK_BYTES)).toString("latin1");
    const parts = text.split("\n");
    text = parts.pop() ?? "";
    for (const part of parts) {
      if (lines.length === expected) break;
      lines.push(decimal(part));
      if (lines.length === 1) expected = 1 + 2 * (lines[0] ?? 0);
    }
    if (expected > 2 * MOST_PIECES || text.length > BLOCK_BYTES * 2) throw wrongMap(member);
  }
  return pairs(lines.slice(1), member);
}

function pairs(numbers: readonly number[], member: Member): [number, number][] {
  if (numbers.length % 2 !== 0 || numbers.length > 2 * MOST_PIECES) throw wrongMap(member);
  return Array.from({ length: numbers.length / 2 }, (_, i) => [numbers[2 * i] ?? 0, numbers[2 * i + 1] ?? 0]);
}

function wrongMap(member: Member) {
  return corrupt("its map of holes is invalid", member.shown);
}
