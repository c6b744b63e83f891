import { BLOCK_BYTES, type Run } from "./block-writer.js";
import type { Inode, InodeType } from "./tree.js";

export const INODE_BYTES = 256;
/** A symbolic link shorter than this lies in its inode. */
export const INLINE_TARGET_BYTES = 60;
const EXTENTS_FLAG = 0x80000;
const EXTENT_MAGIC = 0xf30a;
const MOST_EXTENT_BLOCKS = 32_768;
const INLINE_EXTENTS = 4;
const MOST_LINKS = 65_000;

const formats: Readonly<Record<InodeType, number>> = {
  ...{ fifo: 0o010000, character: 0o020000, directory: 0o040000, block: 0o060000, file: 0o100000, symlink: 0o120000 },
};

/** The blocks that an inode refers to. */
export interface InodePlace {
  readonly links: number;
  /** The content of a file, directory or long link. */
  readonly run: Run | null;
  /** The block with the extents of a large file. */
  readonly extentBlock: number | null;
  readonly xattrBlock: number | null;
}

/** The inode as ext4 keeps it. */
export function buildInode(inode: Inode, { links, run, extentBlock, xattrBlock }: InodePlace): Buffer {
  const bytes = Buffer.alloc(INODE_BYTES);
  const sizeBytes = run?.sizeBytes ?? inode.target?.length ?? 0;
  const blocks = (run?.blocks ?? 0) + [extentBlock, xattrBlock].filter((block) => block !== null).length;
  bytes.writeUInt16LE(formats[inode.type] | inode.mode, 0);
  bytes.writeUInt16LE(inode.uid & 0xffff, 2);
  bytes.writeUInt32LE(sizeBytes % 2 ** 32, 4);
  bytes.writeUInt16LE(inode.gid & 0xffff, 24);
  // A directory with more subdirectories than can be counted has one link.
  bytes.writeUInt16LE(links > MOST_LINKS && inode.type === "directory" ? 1 : links, 26);
  bytes.writeUInt32LE(blocks * 8, 28); // in sectors
  bytes.writeUInt32LE(Math.floor(sizeBytes / 2 ** 32), 108);
  bytes.writeUInt32LE(xattrBlock ?? 0, 104);
  bytes.writeUInt16LE(inode.uid >>> 16, 120);
  bytes.writeUInt16LE(inode.gid >>> 16, 122);
  bytes.writeUInt16LE(32, 128);
  writeTimes(bytes, inode);
  if (inode.device) writeDevice(bytes, inode.device);
  else if (run === null && inode.target !== null) bytes.write(inode.target, 40, "latin1");
  else if (inode.type === "file" || run !== null) {
    bytes.writeUInt32LE(EXTENTS_FLAG, 32);
    if (extentBlock === null) writeExtents(bytes.subarray(40, 100), run, INLINE_EXTENTS);
    else writeExtentIndex(bytes.subarray(40, 100), extentBlock);
  }
  return bytes;
}

/** The block of extents that a run needs outside its inode; null when they fit there. */
export function buildExtentBlock(run: Run): Buffer | null {
  if (run.blocks <= INLINE_EXTENTS * MOST_EXTENT_BLOCKS) return null;
  const block = Buffer.alloc(BLOCK_BYTES);
  const most = Math.floor((BLOCK_BYTES - 12) / 12);
  if (run.blocks > most * MOST_EXTENT_BLOCKS) throw new RangeError("a file exceeds the largest size");
  writeExtents(block, run, most);
  return block;
}

function writeExtents(bytes: Buffer, run: Run | null, most: number): void {
  const { start, blocks } = run ?? { start: 0, blocks: 0 };
  const count = Math.ceil(blocks / MOST_EXTENT_BLOCKS);
  writeExtentHeader(bytes, count, most, 0);
  for (let index = 0; index < count; index += 1) {
    const first = index * MOST_EXTENT_BLOCKS;
    bytes.writeUInt32LE(first, 12 + index * 12);
    bytes.writeUInt16LE(Math.min(MOST_EXTENT_BLOCKS, blocks - first), 16 + index * 12);
    bytes.writeUInt32LE(start + first, 20 + index * 12);
  }
}

function writeExtentIndex(bytes: Buffer, block: number): void {
  writeExtentHeader(bytes, 1, INLINE_EXTENTS, 1);
  bytes.writeUInt32LE(block, 16);
}

function writeExtentHeader(bytes: Buffer, count: number, most: number, depth: number): void {
  bytes.writeUInt16LE(EXTENT_MAGIC, 0);
  bytes.writeUInt16LE(count, 2);
  bytes.writeUInt16LE(most, 4);
  bytes.writeUInt16LE(depth, 6);
}

/** Access, change and modification are all the archive's time; two bits more reach to the year 2446. */
function writeTimes(bytes: Buffer, { mtimeS, mtimeNs }: Inode): void {
  const seconds = Math.max(-(2 ** 31), Math.min(mtimeS, 2 ** 34 - 2 ** 31 - 1));
  const epoch = Math.floor((seconds + 2 ** 31) / 2 ** 32);
  for (const at of [8, 12, 16, 144]) bytes.writeInt32LE(seconds - epoch * 2 ** 32, at);
  for (const at of [132, 136, 140, 148]) bytes.writeUInt32LE(((mtimeNs << 2) | epoch) >>> 0, at);
}

function writeDevice(bytes: Buffer, [major, minor]: readonly [number, number]): void {
  if (major < 256 && minor < 256) bytes.writeUInt32LE((major << 8) | minor, 40);
  else bytes.writeUInt32LE(((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0, 44);
}
