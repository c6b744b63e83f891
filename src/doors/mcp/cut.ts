/** A text within a limit, and the number of omitted bytes. */
export interface Cut {
  readonly head: string;
  /** Empty when the text was not cut. */
  readonly tail: string;
  readonly omittedBytes: number;
  /** Bytes of the command's output before the cut. A lower bound if the output was not UTF-8. */
  readonly headBytes: number;
}

/** Keeps the first and the last half of a text that is longer than a number of bytes, at whole characters. */
export function cutText(text: string, maxBytes: number): Cut {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return { head: text, tail: "", omittedBytes: 0, headBytes: sourceBytes(text) };
  const half = Math.floor(maxBytes / 2);
  let headEnd = half;
  while (isContinuation(bytes[headEnd])) headEnd -= 1;
  let tailStart = bytes.length - half;
  while (isContinuation(bytes[tailStart])) tailStart += 1;
  const head = bytes.toString("utf8", 0, headEnd);
  return {
    head,
    tail: bytes.toString("utf8", tailStart),
    omittedBytes: sourceBytes(bytes.toString("utf8", headEnd, tailStart)),
    headBytes: sourceBytes(head),
  };
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/** Counts the bytes of output after this text. A replacement character counts as one byte, although it may stand for more. */
function sourceBytes(text: string): number {
  return Buffer.byteLength(text.replaceAll("\uFFFD", "?"));
}
