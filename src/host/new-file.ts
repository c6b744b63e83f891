import { closeSync, fchmodSync, ftruncateSync, futimesSync, openSync, readSync, writeSync } from "node:fs";

import { canBeHole } from "./data-pieces.js";

const READ_BYTES = 65_536;

/**
 * A new file that is written synchronously: for a short file, Node's threads would take several times as long. Zeros become holes.
 * Throws when the name exists.
 */
export class NewFile {
  readonly #file: number;
  #sizeBytes = 0;
  #endsInHole = false;

  constructor(path: string) {
    this.#file = openSync(path, "wx", 0o600);
  }

  write(bytes: Uint8Array): void {
    this.#endsInHole = canBeHole(bytes);
    if (!this.#endsInHole) {
      for (let at = 0; at < bytes.length;)
        at += writeSync(this.#file, bytes, at, bytes.length - at, this.#sizeBytes + at);
    }
    this.#sizeBytes += bytes.length;
  }

  /** Gives the file its whole length, and its mode. Nothing may be written afterwards. */
  finish(mode: number): void {
    if (this.#endsInHole) ftruncateSync(this.#file, this.#sizeBytes);
    fchmodSync(this.#file, mode);
  }

  /** Sets the times, in seconds since 1970. */
  utimes(atimeS: number, mtimeS: number): void {
    futimesSync(this.#file, atimeS, mtimeS);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Copies a file and leaves its zeros out. Throws when the new name exists. */
export function copySparseSync(from: string, to: string, mode: number): void {
  const source = openSync(from, "r");
  try {
    const copy = new NewFile(to);
    try {
      const piece = Buffer.alloc(READ_BYTES);
      for (let bytes = readSync(source, piece); bytes > 0; bytes = readSync(source, piece))
        copy.write(piece.subarray(0, bytes));
      copy.finish(mode);
    } finally {
      copy.close();
    }
  } finally {
    closeSync(source);
  }
}
