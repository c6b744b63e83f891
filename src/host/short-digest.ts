/** The first hexadecimal digits of a text's SHA-256, for the name of what belongs to it. */
export function shortDigest(text: string, digits: number): string {
  // Loaded only now: it takes 2 ms of every command line.
  const { createHash } = process.getBuiltinModule("node:crypto");
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}
