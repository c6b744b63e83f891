/** What a result keeps of one output stream: its head and its tail, whatever its length. */
export class KeptOutput {
  readonly #halfBytes: number;
  #head: Buffer[] = [];
  #headBytes = 0;
  #tail: Buffer[] = [];
  #tailBytes = 0;
  #totalBytes = 0;

  constructor(limitBytes: number) {
    this.#halfBytes = Math.floor(limitBytes / 2);
  }

  add(bytes: Buffer): void {
    this.#totalBytes += bytes.length;
    const room = this.#halfBytes - this.#headBytes;
    const toHead = bytes.subarray(0, room);
    if (toHead.length > 0) {
      this.#head.push(Buffer.from(toHead));
      this.#headBytes += toHead.length;
    }
    const toTail = bytes.subarray(toHead.length);
    if (toTail.length === 0) return;
    this.#tail.push(Buffer.from(toTail));
    this.#tailBytes += toTail.length;
    while (this.#tailBytes - this.#tail[0]!.length >= this.#halfBytes) this.#tailBytes -= this.#tail.shift()!.length;
  }

  /** The text as a result shows it, with a line in the place of what was left out. */
  render(): { text: string; omittedBytes: number } {
    const head = Buffer.concat(this.#head);
    const tail = Buffer.concat(this.#tail).subarray(-this.#halfBytes);
    if (head.length + tail.length === this.#totalBytes) {
      return { text: Buffer.concat([head, tail]).toString("utf8"), omittedBytes: 0 };
    }
    const first = head.subarray(0, endOfWholeCharacters(head));
    const last = tail.subarray(startOfWholeCharacters(tail));
    const omittedBytes = this.#totalBytes - first.length - last.length;
    const text = `${first.toString("utf8")}\n[... ${omittedBytes} bytes left out ...]\n${last.toString("utf8")}`;
    return { text, omittedBytes };
  }
}

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

function startOfWholeCharacters(bytes: Buffer): number {
  let start = 0;
  while (start < 3 && isContinuation(bytes[start])) start += 1;
  return start;
}

/** Where the last character ends that is not cut off. */
function endOfWholeCharacters(bytes: Buffer): number {
  let lead = bytes.length - 1;
  while (lead > bytes.length - 4 && isContinuation(bytes[lead])) lead -= 1;
  const first = bytes[lead] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return lead + length > bytes.length ? lead : bytes.length;
}
