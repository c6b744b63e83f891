import { closeSync, fstatSync, renameSync, writeSync } from "node:fs";

import { openAppendingSync } from "./files.js";

export interface RotatingFileOptions {
  /** A file that would become larger is renamed first. */
  readonly maxBytes: number;
  /** How many older files are kept: `….1` is the latest. */
  readonly kept: number;
}

/** A file of lines, 0600, that only this process appends to. Lines are lost when they cannot be written. */
export class RotatingFile {
  readonly #path: string;
  readonly #options: RotatingFileOptions;
  #file: number;
  #bytes: number;

  constructor(path: string, options: RotatingFileOptions) {
    this.#path = path;
    this.#options = options;
    this.#file = openAppendingSync(path);
    this.#bytes = fstatSync(this.#file).size;
  }

  append(line: string): void {
    const data = Buffer.from(`${line}\n`);
    try {
      if (this.#bytes > 0 && this.#bytes + data.length > this.#options.maxBytes) this.#rotate();
      writeSync(this.#file, data);
      this.#bytes += data.length;
    } catch {
      // A full disk must not end the daemon.
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #rotate(): void {
    const nameOf = (number: number) => (number === 0 ? this.#path : `${this.#path}.${number}`);
    for (let number = this.#options.kept - 1; number >= 0; number -= 1) moveIfThere(nameOf(number), nameOf(number + 1));
    const next = openAppendingSync(this.#path);
    closeSync(this.#file);
    this.#file = next;
    this.#bytes = 0;
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
