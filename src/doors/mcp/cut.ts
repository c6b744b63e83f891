/** A text within a limit, and what of it was left out. */
export interface Cut {
  readonly head: string;
  /** Empty when nothing was left out. */
  readonly tail: string;
  readonly omittedBytes: number;
  /** Bytes of the command's output before what was left out; fewer rather than more where it was not text. */
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

/** How many bytes of output became this text: a replacement character stands for at least one that is not UTF-8. */
function sourceBytes(text: string): number {
  return Buffer.byteLength(text.replaceAll("\uFFFD", "?"));
}
