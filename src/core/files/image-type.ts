/** The first bytes of each kind of image; null stands for any byte. */
const beginnings: readonly (readonly [mimeType: string, bytes: readonly (number | null)[]])[] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46, null, null, null, null, 0x57, 0x45, 0x42, 0x50]],
];

/** The type of an image that a model can look at, by its first bytes; null for anything else. Pure. */
export function findImageType(head: Buffer): string | null {
  const found = beginnings.find(([, bytes]) => bytes.every((byte, at) => byte === null || head[at] === byte));
  return found?.[0] ?? null;
}
