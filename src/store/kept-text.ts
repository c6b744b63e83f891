import { isUtf8 } from "node:buffer";

/** Bytes of an output as text: as they are if they are UTF-8, else in base64. */
export interface EncodedOutput {
  readonly text: string;
  readonly encoding: "utf-8" | "base64";
}

/** An output whose middle may be missing, and the number of missing bytes. */
export interface KeptText extends EncodedOutput {
  readonly omittedBytes: number;
  readonly parts: readonly ShownBytes[];
}

/** The shown bytes of a stream, and their offset in it. */
export interface ShownBytes {
  readonly start: number;
  readonly bytes: Buffer;
  /** True for the line that replaces omitted bytes: it has no length in the stream. */
  readonly isMark?: boolean;
}

/**
 * Shows the first and the last bytes of `totalBytes`, with one line instead of the bytes between. Cuts between characters.
 * `isCutOff`: the output was cut off.
 */
export function renderKeptText(head: Buffer, tail: Buffer, totalBytes: number, isCutOff: boolean): KeptText {
  if (head.length + tail.length === totalBytes) {
    const bytes = Buffer.concat([head, tail]);
    return { ...encodeOutput(bytes, isCutOff), omittedBytes: 0, parts: [{ start: 0, bytes }] };
  }
  const first = head.subarray(0, endOfWholeCharacters(head));
  const last = tail.subarray(startOfWholeCharacters(tail));
  const omittedBytes = totalBytes - first.length - last.length;
  const mark = Buffer.from(`\n[... ${omittedBytes} bytes left out ...]\n`);
  const parts = [
    { start: 0, bytes: first },
    { start: first.length, bytes: mark, isMark: true },
    { start: totalBytes - last.length, bytes: last },
  ];
  return { ...encodeOutput(Buffer.concat([first, mark, last]), isCutOff), omittedBytes, parts };
}

/** An incomplete character at the end of a cut output is shown as U+FFFD. */
export function encodeOutput(bytes: Buffer, isCutOff: boolean): EncodedOutput {
  const checked = isCutOff ? bytes.subarray(0, endOfWholeCharacters(bytes)) : bytes;
  const encoding = isUtf8(checked) ? "utf-8" : "base64";
  return { text: bytes.toString(encoding), encoding };
}

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

/** The start of the first whole character. */
export function startOfWholeCharacters(bytes: Buffer): number {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start += 1;
  return start;
}

/** The end of the last whole character. */
export function endOfWholeCharacters(bytes: Buffer): number {
  let lead = bytes.length - 1;
  while (lead > bytes.length - 4 && isContinuation(bytes[lead])) lead -= 1;
  const first = bytes[lead] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return lead + length > bytes.length ? lead : bytes.length;
}
