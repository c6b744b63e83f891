import { isUtf8 } from "node:buffer";

/** Bytes of an output as text: themselves where they are UTF-8, else in base64. */
export interface EncodedOutput {
  readonly text: string;
  readonly encoding: "utf-8" | "base64";
}

/** An output whose middle may be missing, and how many bytes are. */
export interface KeptText extends EncodedOutput {
  readonly omittedBytes: number;
}

/**
 * Shows the first and the last bytes of `totalBytes`, with a line in the place of what is between. Cuts between characters.
 * `isCutOff`: the output did not come to its own end.
 */
export function renderKeptText(head: Buffer, tail: Buffer, totalBytes: number, isCutOff: boolean): KeptText {
  if (head.length + tail.length === totalBytes) {
    return { ...encodeOutput(Buffer.concat([head, tail]), isCutOff), omittedBytes: 0 };
  }
  const first = head.subarray(0, endOfWholeCharacters(head));
  const last = tail.subarray(startOfWholeCharacters(tail));
  const omittedBytes = totalBytes - first.length - last.length;
  const mark = Buffer.from(`\n[... ${omittedBytes} bytes left out ...]\n`);
  return { ...encodeOutput(Buffer.concat([first, mark, last]), isCutOff), omittedBytes };
}

/** Half a character at the end of an output that was cut off is shown as one that is damaged. */
export function encodeOutput(bytes: Buffer, isCutOff: boolean): EncodedOutput {
  const checked = isCutOff ? bytes.subarray(0, endOfWholeCharacters(bytes)) : bytes;
  const encoding = isUtf8(checked) ? "utf-8" : "base64";
  return { text: bytes.toString(encoding), encoding };
}

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

/** Where the first character begins, after the rest of one that is cut off. */
export function startOfWholeCharacters(bytes: Buffer): number {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start += 1;
  return start;
}

/** Where the last character ends that is not cut off. */
export function endOfWholeCharacters(bytes: Buffer): number {
  let lead = bytes.length - 1;
  while (lead > bytes.length - 4 && isContinuation(bytes[lead])) lead -= 1;
  const first = bytes[lead] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return lead + length > bytes.length ? lead : bytes.length;
}
