import { BLOCK_BYTES } from "./block-writer.js";
import { aclIndexes, buildDiskAcl } from "./ext4-acl.js";
import { imageError } from "./failure.js";

/** On disk the first part of a name is a number. */
const prefixes: readonly (readonly [prefix: string, index: number])[] = [
  ["user.", 1],
  ["trusted.", 4],
  ["security.", 6],
];
const MOST_NAME_BYTES = 255;
const MAGIC = 0xea020000;
const HEADER_BYTES = 32;

/** Whether ext4 has a number for the first part of an attribute's name. */
export function canHoldXattr(name: string): boolean {
  return aclIndexes.has(name) || prefixes.some(([prefix]) => name.startsWith(prefix));
}

/** The block that holds the extended attributes of an inode; null when it has none that ext4 can hold. */
export function buildXattrBlock(xattrs: ReadonlyMap<string, Buffer>): Buffer | null {
  const found = [...xattrs].flatMap(([full, value]) => {
    const acl = aclIndexes.get(full);
    if (acl !== undefined)
      return [{ index: acl, name: Buffer.alloc(0), value: buildDiskAcl(value) ?? refuseAcl(full) }];
    const prefix = prefixes.find(([text]) => full.startsWith(text));
    return prefix ? [{ index: prefix[1], name: Buffer.from(full.slice(prefix[0].length)), value }] : [];
  });
  if (found.length === 0) return null;
  // The kernel searches a block by number, length and bytes.
  found.sort((a, b) => a.index - b.index || a.name.length - b.name.length || Buffer.compare(a.name, b.name));
  const block = Buffer.alloc(BLOCK_BYTES);
  block.writeUInt32LE(MAGIC, 0);
  block.writeUInt32LE(1, 4); // references
  block.writeUInt32LE(1, 8); // blocks
  let entryAt = HEADER_BYTES;
  let valueAt = BLOCK_BYTES;
  for (const { index, name, value } of found) {
    const nextAt = entryAt + 16 + rounded(name.length);
    valueAt -= rounded(value.length);
    // Four bytes of zeros end the list.
    if (nextAt + 4 > valueAt || name.length > MOST_NAME_BYTES) {
      throw imageError("xattrs", "A file has too many extended attributes for an image.", {
        names: [...xattrs.keys()].slice(0, 20).map((one) => one.slice(0, MOST_NAME_BYTES)),
      });
    }
    value.copy(block, valueAt);
    block.writeUInt8(name.length, entryAt);
    block.writeUInt8(index, entryAt + 1);
    block.writeUInt16LE(value.length === 0 ? 0 : valueAt, entryAt + 2);
    block.writeUInt32LE(value.length, entryAt + 8);
    block.writeUInt32LE(hashOf(name, block.subarray(valueAt, valueAt + rounded(value.length))), entryAt + 12);
    name.copy(block, entryAt + 16);
    entryAt = nextAt;
  }
  return block;
}

function refuseAcl(name: string): never {
  throw imageError("xattrs", `The extended attribute ${name} of a file is not an access control list.`, {
    names: [name],
  });
}

function rounded(bytes: number): number {
  return (bytes + 3) & ~3;
}

function hashOf(name: Buffer, paddedValue: Buffer): number {
  let hash = 0;
  for (const byte of name) hash = (hash << 5) ^ (hash >>> 27) ^ byte;
  for (let at = 0; at < paddedValue.length; at += 4) {
    hash = (hash << 16) ^ (hash >>> 16) ^ paddedValue.readUInt32LE(at);
  }
  return hash >>> 0;
}
