/** The text of an output whose middle may be missing, and how many bytes are. */
export interface KeptText {
  readonly text: string;
  readonly omittedBytes: number;
}

/** Shows the first and the last bytes of `totalBytes`, with a line in the place of what is between. Cuts between characters. */
export function renderKeptText(head: Buffer, tail: Buffer, totalBytes: number): KeptText {
  if (head.length + tail.length === totalBytes) {
    return { text: Buffer.concat([head, tail]).toString("utf8"), omittedBytes: 0 };
  }
  const first = head.subarray(0, endOfWholeCharacters(head));
  const last = tail.subarray(startOfWholeCharacters(tail));
  const omittedBytes = totalBytes - first.length - last.length;
  const text = `${first.toString("utf8")}\n[... ${omittedBytes} bytes left out ...]\n${last.toString("utf8")}`;
  return { text, omittedBytes };
}

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

function startOfWholeCharacters(bytes: Buffer): number {
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
