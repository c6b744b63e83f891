/** How many characters a readable text has for each damaged one. With fewer it counts as binary data. */
const CHARACTERS_PER_DAMAGE = 10;
// oxlint-disable-next-line no-control-regex
const DAMAGE = /[\u0000-\u0006\u000e-\u001a\u001c-\u001f\u007f\uFFFD]/g;

/**
 * A command's output as a reader sees it: text in which the bytes that are not UTF-8 are U+FFFD. Null when it is binary
 * data, such as an image. Text in another encoding, or with a few damaged bytes, is still readable.
 */
export function readableOutput(output: string, encoding: unknown): string | null {
  if (encoding !== "base64") return output;
  const text = Buffer.from(output, "base64").toString();
  const damaged = text.match(DAMAGE)?.length ?? 0;
  return damaged * CHARACTERS_PER_DAMAGE <= text.length ? text : null;
}
