/** As in git: binary when the first 8,000 bytes contain a zero. */
export function isBinary(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 8_000).includes(0);
}
