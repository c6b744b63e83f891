/** The data of a file: offset and length of each piece, in order; between the pieces are holes. */
export type DataPieces = readonly (readonly [offset: number, bytes: number])[];

/** Walks over a file's data in order, and returns the holes between. */
export class Holes {
  readonly #pieces: Iterator<readonly [offset: number, bytes: number]>;
  readonly sizeBytes: number;
  #position = 0;
  #left = 0;

  constructor(pieces: DataPieces, sizeBytes: number) {
    this.#pieces = pieces[Symbol.iterator]();
    this.sizeBytes = sizeBytes;
  }

  /** Takes the next bytes of data, none beyond the end of a piece. Returns the length of the hole before them. */
  take(bytes: number): number {
    let hole = 0;
    if (this.#left === 0) {
      const [offset, length] = this.#pieces.next().value ?? [this.#position, bytes];
      hole = offset - this.#position;
      this.#position = offset;
      this.#left = length;
    }
    this.#position += bytes;
    this.#left -= bytes;
    return hole;
  }

  /** The length of the hole after all data. */
  rest(): number {
    return this.sizeBytes - this.#position;
  }
}

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

function isZero(bytes: Uint8Array): boolean {
  return ZEROS.subarray(0, bytes.length).equals(bytes);
}

/** Whether bytes can be left out of a file: at least a block, and all zeros. */
export function canBeHole(bytes: Uint8Array): boolean {
  return bytes.length >= BLOCK_BYTES && bytes.length <= ZEROS.length && isZero(bytes);
}
