import { BLOCK_BYTES } from "./block-writer.js";
import type { Inode, InodeType } from "./tree.js";

const typeNumbers: Readonly<Record<InodeType, number>> = {
  ...{ file: 1, directory: 2, character: 3, block: 4, fifo: 5, symlink: 7 },
};

/** The blocks of a directory: itself, its parent, and its entries in their order. */
export function buildDirectory(directory: Inode, parent: Inode, numbers: ReadonlyMap<Inode, number>): Buffer {
  const blocks: Buffer[] = [];
  let block = Buffer.alloc(BLOCK_BYTES);
  let at = 0;
  let last = 0;
  const endBlock = () => {
    block.writeUInt16LE(BLOCK_BYTES - last, last + 4);
    blocks.push(block);
  };
  const add = (name: string, inode: Inode) => {
    const length = (8 + name.length + 3) & ~3;
    if (at + length > BLOCK_BYTES) {
      endBlock();
      [block, at] = [Buffer.alloc(BLOCK_BYTES), 0];
    }
    block.writeUInt32LE(numbers.get(inode) ?? 0, at);
    block.writeUInt16LE(length, at + 4);
    block.writeUInt8(name.length, at + 6);
    block.writeUInt8(typeNumbers[inode.type], at + 7);
    block.write(name, at + 8, "latin1");
    [last, at] = [at, at + length];
  };
  add(".", directory);
  add("..", parent);
  for (const [name, { inode }] of directory.entries ?? []) add(name, inode);
  endBlock();
  return Buffer.concat(blocks);
}
