import { cutOffBytes, isText } from "./text.js";

const NEWLINE = 0x0a;

interface Limits {
  /** The first requested line, from 1 on. */
  readonly first: number;
  readonly count: number;
  /** The most bytes of all lines together; the line that passes this limit is the last one. */
  readonly bytes: number;
  /** A longer line is cut. */
  readonly lineBytes: number;
}

/** Selects lines of a text that arrives in pieces. Holds only the selected lines. Pure. */
export class LineWindow {
  readonly #limits: Limits;
  readonly #lines: string[] = [];
  #number = 1;
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #lineBytes = 0;
  #totalBytes = 0;
  #hasMore = false;
  #isText = true;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** False when a line that is shown is not text. */
  get isText(): boolean {
    return this.#isText;
  }

  /** True when lines follow the shown ones. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  /** Lines before the one that is under way. */
  get passedLines(): number {
    return this.#number - 1;
  }

  /** Takes the next piece; false when the window is full. */
  push(piece: Buffer): boolean {
    for (let at = 0; at < piece.length;) {
      if (this.#isFull()) {
        this.#hasMore = true;
        return false;
      }
      const newline = piece.indexOf(NEWLINE, at);
      const end = newline === -1 ? piece.length : newline;
      this.#keep(piece.subarray(at, end));
      at = end + 1;
      if (newline !== -1) this.#endLine();
    }
    return true;
  }

  /** Ends the text: the remaining bytes, if any, are its last line. */
  end(): void {
    if (this.#lineBytes > 0 && !this.#isFull()) this.#endLine();
  }

  #isFull(): boolean {
    return this.#lines.length === this.#limits.count || this.#totalBytes >= this.#limits.bytes;
  }

  #keep(bytes: Buffer): void {
    this.#lineBytes += bytes.length;
    if (this.#number < this.#limits.first) return;
    const kept = bytes.subarray(0, this.#limits.lineBytes - this.#keptBytes);
    this.#kept.push(Buffer.from(kept));
    this.#keptBytes += kept.length;
  }

  #endLine(): void {
    if (this.#number >= this.#limits.first) this.#show(Buffer.concat(this.#kept));
    this.#number += 1;
    this.#kept = [];
    this.#keptBytes = this.#lineBytes = 0;
  }

  #show(kept: Buffer): void {
    const isCut = this.#lineBytes > kept.length;
    const shown = isCut ? kept.subarray(0, kept.length - cutOffBytes(kept)) : kept;
    const left = this.#lineBytes - shown.length;
    this.#isText &&= isText(shown);
    this.#totalBytes += shown.length + 1;
    this.#lines.push(`${shown.toString("utf8")}${left > 0 ? `[... ${left} bytes left out ...]` : ""}`);
  }
}

/** Lines with their numbers, each followed by a tab. */
export function numberLines(lines: readonly string[], first: number): string {
  return lines.map((line, index) => `${first + index}\t${line}`).join("\n");
}
