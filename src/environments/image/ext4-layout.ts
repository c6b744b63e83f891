import { BLOCK_BYTES } from "./block-writer.js";
import { INODE_BYTES } from "./ext4-inode.js";

export const GROUP_BLOCKS = 32_768;
const DESCRIPTORS_PER_BLOCK = BLOCK_BYTES / 32;
/** Blocks kept for group descriptors, behind the superblock. */
const DESCRIPTOR_BLOCKS = 4;
/** Where contents start. */
export const FIRST_CONTENT_BLOCK = 1 + DESCRIPTOR_BLOCKS;
/** The largest file system, in blocks: the groups that the descriptors can describe, without eight groups for the tables. */
export const MOST_IMAGE_BLOCKS = (DESCRIPTOR_BLOCKS * DESCRIPTORS_PER_BLOCK - 8) * GROUP_BLOCKS;
const INODES_PER_BLOCK = BLOCK_BYTES / INODE_BYTES;
/** The least number of blocks of the last group. */
const SMALLEST_GROUP = 1024;

/** Fixed, as in images of mke2fs, so that the same files give the same image. */
const UUID = Buffer.from("7079726f000040008000000000000001", "hex");
const HASH_SEED = Buffer.from("7079726f000040008000000000000002", "hex");

/** ext_attr, dir_index; and sparse_super2, so that no group but the first has a superblock. */
const COMPATIBLE = 0x8 | 0x20 | 0x200;
/** filetype, extents; and flex_bg, so that the tables of all groups may lie at the end. */
const INCOMPATIBLE = 0x2 | 0x40 | 0x200;
/** large_file, huge_file, dir_nlink, extra_isize. */
const READ_ONLY_COMPATIBLE = 0x2 | 0x8 | 0x20 | 0x40;

/** Where the parts of an image are. Bitmaps and tables follow the contents: all bitmaps, then all tables of inodes. */
export interface Geometry {
  readonly groups: number;
  readonly groupInodes: number;
  readonly blocks: number;
  readonly descriptorBlocks: number;
  readonly firstTable: number;
  readonly tablesEnd: number;
  tablesOf(group: number): { blockBitmap: number; inodeBitmap: number; inodeTable: number };
}

/** Plans the fewest groups that hold the contents, their own tables, and this number of inodes. */
export function planGeometry(contentEnd: number, inodes: number): Geometry {
  for (let groups = 1; ; groups += 1) {
    const groupInodes = Math.ceil(inodes / groups / INODES_PER_BLOCK) * INODES_PER_BLOCK;
    const tableBlocks = groupInodes / INODES_PER_BLOCK;
    const tablesEnd = contentEnd + groups * (2 + tableBlocks);
    if (tablesEnd > groups * GROUP_BLOCKS || groupInodes > BLOCK_BYTES * 8) continue;
    if (groups > DESCRIPTOR_BLOCKS * DESCRIPTORS_PER_BLOCK) throw new RangeError("the image exceeds its largest size");
    return {
      ...{ groups, groupInodes, tablesEnd, firstTable: contentEnd },
      blocks: Math.max(tablesEnd, (groups - 1) * GROUP_BLOCKS + SMALLEST_GROUP),
      descriptorBlocks: Math.ceil(groups / DESCRIPTORS_PER_BLOCK),
      tablesOf: (group) => ({
        blockBitmap: contentEnd + group,
        inodeBitmap: contentEnd + groups + group,
        inodeTable: contentEnd + 2 * groups + group * tableBlocks,
      }),
    };
  }
}

export function buildSuperblock(geometry: Geometry, freeBlocks: number, freeInodes: number): Buffer {
  const bytes = Buffer.alloc(1024);
  const long: readonly (readonly [offset: number, value: number])[] = [
    [0, geometry.groups * geometry.groupInodes],
    [4, geometry.blocks],
    [12, freeBlocks],
    [16, freeInodes],
    [24, 2], // blocks of 1024 << 2
    [28, 2],
    [32, GROUP_BLOCKS],
    [36, GROUP_BLOCKS],
    [40, geometry.groupInodes],
    [76, 1], // revision
    [84, 11], // the first inode that is not reserved
    [92, COMPATIBLE],
    [96, INCOMPATIBLE],
    [100, READ_ONLY_COMPATIBLE],
    [256, 0xc], // mounted with user attributes and access control lists
    [352, 1], // hashes with signed characters
  ];
  for (const [offset, value] of long) bytes.writeUInt32LE(value, offset);
  bytes.writeUInt16LE(0xffff, 54); // mounts without a check
  bytes.writeUInt16LE(0xef53, 56);
  bytes.writeUInt16LE(1, 58); // clean
  bytes.writeUInt16LE(1, 60); // on errors: continue
  bytes.writeUInt16LE(INODE_BYTES, 88);
  UUID.copy(bytes, 104);
  bytes.write("pyro-root", 120);
  HASH_SEED.copy(bytes, 236);
  bytes.writeUInt8(1, 252); // half MD4
  bytes.writeUInt16LE(32, 348);
  bytes.writeUInt16LE(32, 350);
  bytes.writeUInt8(4, 372); // groups per flex group: 1 << 4
  return bytes;
}
