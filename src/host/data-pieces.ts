/** The data of a file: offset and length of each piece, in order; between the pieces are holes. */
export type DataPieces = readonly (readonly [offset: number, bytes: number])[];

const BLOCK_BYTES = 4_096;
/** A shorter hole is sent as zeros: each piece costs a line of the map. */
const HOLE_BYTES = 65_536;
/** A file with more pieces is sent without its holes. */
const MOST_PIECES = 100_000;
const ZEROS = Buffer.alloc(1_048_576);

/** Finds the data among a file's bytes, which arrive in order. Pieces begin at multiples of 4 KiB. */
export class DataFinder {
  readonly #pieces: [number, number][] = [];
  #position = 0;

  /** Takes the next bytes: a multiple of 4 KiB, unless they are the last. */
  add(bytes: Buffer): void {
    if (isZero(bytes)) {
      this.#position += bytes.length;
      return;
    }
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const block = bytes.subarray(at, at + BLOCK_BYTES);
      if (!isZero(block)) this.#addData(this.#position + at, block.length);
    }
    this.#position += bytes.length;
  }

  /** The pieces; null when the holes save less than their map costs. */
  finish(): DataPieces | null {
    const size = this.#position;
    const data = this.#pieces.reduce((sum, [, bytes]) => sum + bytes, 0);
    return size - data >= HOLE_BYTES && this.#pieces.length <= MOST_PIECES ? this.#pieces : null;
  }

  #addData(offset: number, bytes: number): void {
    const last = this.#pieces.at(-1);
    if (last && offset - (last[0] + last[1]) < HOLE_BYTES) last[1] = offset + bytes - last[0];
    else this.#pieces.push([offset, bytes]);
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length));
}
