/** The attributes of POSIX access control lists, with ext4's numbers for them. Their names on disk are empty. */
export const aclIndexes: ReadonlyMap<string, number> = new Map([
  ["system.posix_acl_access", 2],
  ["system.posix_acl_default", 3],
]);

const ENTRY_BYTES = 8;
const XATTR_VERSION = 2;
const DISK_VERSION = 1;
/** The tags of entries that name a user or a group, and of those that do not. */
const named: ReadonlySet<number> = new Set([0x02, 0x08]);
const nameless: ReadonlySet<number> = new Set([0x01, 0x04, 0x10, 0x20]);

/** An access control list as ext4 stores it, from the form that programs and archives have. Null for bytes that are not such a list. */
export function buildDiskAcl(value: Buffer): Buffer | null {
  if (value.length < 4 || (value.length - 4) % ENTRY_BYTES !== 0 || value.readUInt32LE(0) !== XATTR_VERSION)
    return null;
  const header = Buffer.alloc(4);
  header.writeUInt32LE(DISK_VERSION, 0);
  const pieces: Buffer[] = [header];
  for (let at = 4; at < value.length; at += ENTRY_BYTES) {
    const tag = value.readUInt16LE(at);
    if (value.readUInt16LE(at + 2) > 7) return null;
    if (!named.has(tag) && !nameless.has(tag)) return null;
    // Only these have an id on disk.
    pieces.push(value.subarray(at, at + (named.has(tag) ? ENTRY_BYTES : 4)));
  }
  return Buffer.concat(pieces);
}
