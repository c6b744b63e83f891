import { interleave } from "../../store/interleave.js";
import { renderKeptText, type KeptText } from "../../store/kept-text.js";
import type { OutputOrder } from "../../store/output-order.js";

/** Both streams as a result has them; with an order, also as pieces in that order. */
export function buildOutputFields(stdout: KeptText, stderr: KeptText, order: OutputOrder | null) {
  return {
    ...(order && { interleaved: interleave(order.runs(), { stdout, stderr }) }),
    stdout: stdout.text,
    stderr: stderr.text,
    stdout_encoding: stdout.encoding,
    stderr_encoding: stderr.encoding,
    stdout_truncated: stdout.omittedBytes > 0,
    stderr_truncated: stderr.omittedBytes > 0,
    stdout_omitted_bytes: stdout.omittedBytes,
    stderr_omitted_bytes: stderr.omittedBytes,
  };
}

/** The part of an output stream that a result keeps: head and tail, bounded for any length. */
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

  /** Keeps the piece itself, so the caller must not change it afterwards. */
  add(bytes: Buffer): void {
    this.#totalBytes += bytes.length;
    const room = this.#halfBytes - this.#headBytes;
    const toHead = bytes.subarray(0, room);
    if (toHead.length > 0) {
      this.#head.push(toHead);
      this.#headBytes += toHead.length;
    }
    const toTail = bytes.subarray(toHead.length);
    if (toTail.length === 0) return;
    this.#tail.push(toTail);
    this.#tailBytes += toTail.length;
    while (this.#tailBytes - this.#tail[0]!.length >= this.#halfBytes) this.#tailBytes -= this.#tail.shift()!.length;
  }

  /** The text of a result, with one line instead of the omitted bytes. */
  render(isCutOff: boolean): KeptText {
    const tail = Buffer.concat(this.#tail).subarray(-this.#halfBytes);
    return renderKeptText(Buffer.concat(this.#head), tail, this.#totalBytes, isCutOff);
  }
}
