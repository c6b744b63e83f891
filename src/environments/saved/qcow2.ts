import { open } from "../../host/files.js";

const HEADER_BYTES = 104;
const MAGIC = 0x514649fb;
/** Bits of incompatible features that only say how QEMU last closed the image, or how its clusters are compressed. */
const HARMLESS_FEATURES = 0b1011n;

/**
 * Why a file is not a qcow2 image without other files; null when it is one. An image may name other files, below it or for its data,
 * which QEMU would read with the rights of its user.
 */
export async function findQcow2Problem(path: string, expectedBytes: number): Promise<string | null> {
  const header = Buffer.alloc(HEADER_BYTES);
  const file = await open(path, "r");
  try {
    if ((await file.read(header, 0, HEADER_BYTES, 0)).bytesRead < HEADER_BYTES) return "it is too short";
  } finally {
    await file.close();
  }
  if (header.readUInt32BE(0) !== MAGIC || header.readUInt32BE(4) !== 3) return "it is not a qcow2 image of version 3";
  if (header.readBigUInt64BE(8) !== 0n) return "it names a file below it";
  if (header.readBigUInt64BE(24) !== BigInt(expectedBytes)) return "its size is not the recorded one";
  if (header.readUInt32BE(32) !== 0) return "it is encrypted";
  if (header.readUInt32BE(60) !== 0) return "it has snapshots of its own";
  if ((header.readBigUInt64BE(72) & ~HARMLESS_FEATURES) !== 0n) return "it keeps its data in another file";
  return null;
}
