import { isUtf8 } from "node:buffer";

/** Bytes that are not valid UTF-8 become lone surrogates from here on, as in Python's `surrogateescape`. */
const ESCAPE = 0xdc00;
const ESCAPED = /[\udc80-\udcff]/u;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** False for a name with bytes that are not valid UTF-8. */
export function isUtf8Name(name: string): boolean {
  return !LONE_SURROGATE.test(name);
}

/** Decodes any name of a guest. Different names give different texts, and `encodeName` restores the bytes. */
export function decodeName(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString("utf8");
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at);
    text += length === 0 ? String.fromCharCode(ESCAPE + bytes[at]!) : bytes.toString("utf8", at, at + length);
    at += Math.max(1, length);
  }
  return text;
}

/** The bytes of a name. Surrogates that stand for no byte become U+FFFD, which no file is likely to have. */
export function encodeName(name: string): Buffer {
  if (isUtf8Name(name)) return Buffer.from(name);
  const parts = Array.from(name, (char) => {
    return ESCAPED.test(char) ? Buffer.of(char.charCodeAt(0) - ESCAPE) : Buffer.from(char);
  });
  return Buffer.concat(parts);
}

/** A path as a field of a request: its text, or its bytes in base64 when they are not UTF-8. */
export function buildPath(field: string, path: string): Record<string, string> {
  return isUtf8Name(path) ? { [field]: path } : { [`${field}_base64`]: encodeName(path).toString("base64") };
}

/** A path of the guest, and the user with whose rights the agent works on it: root, if it is a path alone. */
export type GuestFile = string | { readonly path: string; readonly user: string };

/** The fields of a request that works on a file. */
export function buildFile(file: GuestFile): Record<string, string> {
  return typeof file === "string" ? buildPath("path", file) : { ...buildPath("path", file.path), user: file.user };
}

/** A name that the guest sent as text or in base64; null for neither. */
export function parseName(text: string | undefined, base64: string | undefined): string | null {
  if (text !== undefined) return text;
  return base64 === undefined ? null : decodeName(Buffer.from(base64, "base64"));
}

/** The length of the character at a place, in bytes; 0 when it is not valid UTF-8. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
