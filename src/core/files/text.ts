import { isUtf8 } from "node:buffer";

import { PyroError } from "../../contract/errors.js";

const NUL = 0;
/** The longest character of UTF-8 that may be cut off at the end of a range. */
const CHARACTER_BYTES = 4;

/**
 * Bytes of a file as text. In a range that ends before the file does, an incomplete character at the end is left out. Throws
 * FILE_NOT_TEXT.
 */
export function decodeText(
  bytes: Buffer,
  path: string,
  isEnd: boolean,
): { readonly content: string; readonly bytes: number } {
  const whole = isEnd ? bytes : bytes.subarray(0, bytes.length - cutOffBytes(bytes));
  if (!isText(whole)) throw notText(path);
  return { content: whole.toString("utf8"), bytes: whole.length };
}

export function isText(bytes: Buffer): boolean {
  return isUtf8(bytes) && !bytes.includes(NUL);
}

export function notText(path: string): PyroError {
  return new PyroError(
    "FILE_NOT_TEXT",
    `${JSON.stringify(path)} is not text: it has bytes that are not UTF-8, or NUL.`,
    {
      details: { path },
    },
  );
}

/** How many bytes at the end begin an incomplete character. */
export function cutOffBytes(bytes: Buffer): number {
  for (let count = 1; count < CHARACTER_BYTES && count <= bytes.length; count += 1) {
    const byte = bytes[bytes.length - count]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return count < (byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4) ? count : 0;
  }
  return 0;
}
