import { writeFileSync } from "node:fs";

const MIB = 1_048_576;

/** The size of the disks of these tests. */
export const DISK_MIB = 16;

/** A file with the header of a qcow2 image, and changes to it: [offset, 8-byte number]. */
export function writeQcow2(path: string, text = "", ...changes: readonly (readonly [number, bigint])[]): void {
  const header = Buffer.alloc(104);
  header.writeUInt32BE(0x514649fb, 0);
  header.writeUInt32BE(3, 4);
  header.writeBigUInt64BE(BigInt(DISK_MIB * MIB), 24);
  for (const [offset, value] of changes) header.writeBigUInt64BE(value, offset);
  writeFileSync(path, Buffer.concat([header, Buffer.from(text)]));
}
