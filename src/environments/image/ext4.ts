import { BLOCK_BYTES, type BlockWriter, type Run } from "./block-writer.js";
import { buildDirectory } from "./ext4-directory.js";
import { buildExtentBlock, buildInode, INLINE_TARGET_BYTES, INODE_BYTES, type InodePlace } from "./ext4-inode.js";
import { buildSuperblock, GROUP_BLOCKS, type Geometry, planGeometry } from "./ext4-layout.js";
import { buildXattrBlock } from "./ext4-xattrs.js";
import type { Inode, ImageTree } from "./tree.js";

const ROOT_INODE = 2;
const FIRST_INODE = 11;

/** An inode with its number and what lies in blocks of its own. */
interface Placed extends InodePlace {
  readonly inode: Inode;
  readonly number: number;
}

/** Completes an image whose contents are written already: directories, inodes, bitmaps, superblock. Closes it. */
export async function finishExt4(tree: ImageTree, blocks: BlockWriter): Promise<void> {
  const { numbers, links, parents } = numberInodes(tree);
  const placed: Placed[] = [];
  for (const [inode, number] of numbers) {
    const own = inode.entries ? buildDirectory(inode, parents.get(inode) ?? inode, numbers) : buildLongTarget(inode);
    const run = inode.content ?? (own && (await blocks.append([own])));
    placed.push(await placeInode(inode, number, links.get(inode) ?? 1, run, blocks));
  }
  const geometry = planGeometry(blocks.nextBlock, numbers.size + FIRST_INODE - 1);
  await writeTables(geometry, placed, blocks);
  await blocks.finish(geometry.blocks);
}

/** Numbers the inodes in the order of the tree, counts the names of each, and finds the parents of directories. */
function numberInodes({ root }: ImageTree) {
  const numbers = new Map([[root, ROOT_INODE]]);
  const links = new Map([[root, 2]]);
  const parents = new Map<Inode, Inode>();
  const left = [root];
  for (let directory = left.pop(); directory !== undefined; directory = left.pop()) {
    for (const { inode } of directory.entries?.values() ?? []) {
      if (!numbers.has(inode)) numbers.set(inode, FIRST_INODE + numbers.size - 1);
      links.set(inode, inode.entries ? 2 : (links.get(inode) ?? 0) + 1);
      if (!inode.entries) continue;
      links.set(directory, (links.get(directory) ?? 2) + 1);
      parents.set(inode, directory);
      left.push(inode);
    }
  }
  return { numbers, links, parents };
}

function buildLongTarget({ target }: Inode): Buffer | null {
  const bytes = target === null ? null : Buffer.from(target, "latin1");
  return bytes && bytes.length >= INLINE_TARGET_BYTES ? bytes : null;
}

async function placeInode(
  inode: Inode,
  number: number,
  links: number,
  run: Run | null,
  blocks: BlockWriter,
): Promise<Placed> {
  const writeBlock = async (block: Buffer | null) => (block ? (await blocks.append([block])).start : null);
  return {
    ...{ inode, number, links, run },
    extentBlock: await writeBlock(run && buildExtentBlock(run)),
    xattrBlock: await writeBlock(buildXattrBlock(inode.xattrs)),
  };
}

async function writeTables(geometry: Geometry, placed: readonly Placed[], blocks: BlockWriter): Promise<void> {
  const used = new Bitmap(geometry.groups * GROUP_BLOCKS);
  used.set(0, 1 + geometry.descriptorBlocks);
  used.set(geometry.firstTable, geometry.tablesEnd - geometry.firstTable);
  for (const { run, extentBlock, xattrBlock } of placed) {
    if (run) used.set(run.start, run.blocks);
    for (const block of [extentBlock, xattrBlock]) if (block !== null) used.set(block, 1);
  }
  const taken = new Bitmap(geometry.groups * geometry.groupInodes);
  taken.set(0, FIRST_INODE - 1);
  const directories = Array.from({ length: geometry.groups }, () => 0);
  for (const { inode, number } of placed) {
    taken.set(number - 1, 1);
    const group = Math.floor((number - 1) / geometry.groupInodes);
    if (inode.entries) directories[group] = (directories[group] ?? 0) + 1;
  }
  await writeInodes(geometry, placed, blocks);
  const descriptors = Buffer.alloc(geometry.descriptorBlocks * BLOCK_BYTES);
  let freeBlocks = 0;
  let freeInodes = 0;
  for (let group = 0; group < geometry.groups; group += 1) {
    const place = geometry.tablesOf(group);
    const groupBlocks = Math.min(GROUP_BLOCKS, geometry.blocks - group * GROUP_BLOCKS);
    const blockMap = used.render(group * GROUP_BLOCKS, groupBlocks);
    const inodeMap = taken.render(group * geometry.groupInodes, geometry.groupInodes);
    await blocks.writeAt(place.blockBitmap * BLOCK_BYTES, blockMap.bytes);
    await blocks.writeAt(place.inodeBitmap * BLOCK_BYTES, inodeMap.bytes);
    freeBlocks += blockMap.free;
    freeInodes += inodeMap.free;
    const at = group * 32;
    descriptors.writeUInt32LE(place.blockBitmap, at);
    descriptors.writeUInt32LE(place.inodeBitmap, at + 4);
    descriptors.writeUInt32LE(place.inodeTable, at + 8);
    descriptors.writeUInt16LE(blockMap.free, at + 12);
    descriptors.writeUInt16LE(inodeMap.free, at + 14);
    descriptors.writeUInt16LE(directories[group] ?? 0, at + 16);
  }
  await blocks.writeAt(BLOCK_BYTES, descriptors);
  await blocks.writeAt(1024, buildSuperblock(geometry, freeBlocks, freeInodes));
}

/** The tables of inodes are contiguous. */
async function writeInodes(geometry: Geometry, placed: readonly Placed[], blocks: BlockWriter): Promise<void> {
  const start = geometry.tablesOf(0).inodeTable * BLOCK_BYTES;
  let [pieces, at]: [Buffer[], number] = [[], start + (FIRST_INODE - 1) * INODE_BYTES];
  const flush = async () => {
    const bytes = Buffer.concat(pieces);
    await blocks.writeAt(at, bytes);
    at += bytes.length;
    pieces = [];
  };
  for (const place of placed) {
    const bytes = buildInode(place.inode, place);
    // The inodes after the root's have consecutive numbers.
    if (place.number === ROOT_INODE) await blocks.writeAt(start + INODE_BYTES, bytes);
    else if (pieces.push(bytes) === 4096) await flush();
  }
  await flush();
}

/** How many bits of each byte are set. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);

class Bitmap {
  readonly #bytes: Buffer;

  constructor(bits: number) {
    this.#bytes = Buffer.alloc(Math.ceil(bits / 8));
  }

  set(first: number, count: number): void {
    for (let bit = first; bit < first + count; bit += 1) {
      this.#bytes[bit >> 3] = (this.#bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
    }
  }

  /** A block with this many bits from a bit on, then ones. */
  render(first: number, count: number): { bytes: Buffer; free: number } {
    const bytes = Buffer.alloc(BLOCK_BYTES, 0xff);
    this.#bytes.copy(bytes, 0, first / 8, Math.ceil((first + count) / 8));
    if (count % 8 !== 0) bytes[count >> 3] = (bytes[count >> 3] ?? 0) | (0xff << (count & 7));
    let set = 0;
    for (const byte of bytes) set += ONES[byte]!;
    return { bytes, free: BLOCK_BYTES * 8 - set };
  }
}
