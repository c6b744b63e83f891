/** As git decides: the first 8,000 bytes hold a zero. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 8_000).includes(0);
}
