import { closeSync, fstatSync, renameSync, writeSync } from "node:fs";

import { openAppendingSync } from "./files.js";

export interface RotatingFileOptions {
  /** A file that would become larger is renamed first. */
  readonly maxBytes: number;
  /** How many older files are kept: `….1` is the latest. */
  readonly kept: number;
}

/** The system calls, which a test can replace. */
interface System {
  readonly open: (path: string) => number;
  readonly write: (file: number, data: Uint8Array) => number;
}

const LINE_FEED = 10;
/** After a failure the file grows by this part of its maximum before the next attempt. */
const PARTS_BETWEEN_ATTEMPTS = 8;

/** A file of lines, 0600, that only this process appends to. Lines are lost when they cannot be written. */
export class RotatingFile {
  readonly #path: string;
  readonly #options: RotatingFileOptions;
  readonly #system: System;
  #file: number;
  #bytes: number;
  #mostBytes: number;
  /** True when a disk took only the first part of the last line. */
  #isTorn = false;

  constructor(
    path: string,
    options: RotatingFileOptions,
    system: System = { open: openAppendingSync, write: writeSync },
  ) {
    this.#path = path;
    this.#options = options;
    this.#system = system;
    this.#file = system.open(path);
    this.#bytes = fstatSync(this.#file).size;
    this.#mostBytes = options.maxBytes;
  }

  append(line: string): void {
    try {
      if (this.#bytes > 0 && this.#bytes + Buffer.byteLength(line) + 1 > this.#mostBytes) this.#rotate();
      const data = Buffer.from(`${this.#isTorn ? "\n" : ""}${line}\n`);
      const written = this.#system.write(this.#file, data);
      this.#bytes += written;
      if (written > 0) this.#isTorn = data.at(written - 1) !== LINE_FEED;
    } catch {
      // A full disk must not end the daemon.
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Without a new file, nothing is renamed, and the present one grows. */
  #rotate(): void {
    const { maxBytes, kept } = this.#options;
    this.#mostBytes = this.#bytes + maxBytes / PARTS_BETWEEN_ATTEMPTS;
    const next = this.#openNext();
    if (next === null) return;
    const nameOf = (number: number) => (number === 0 ? this.#path : `${this.#path}.${number}`);
    try {
      for (let number = kept - 1; number >= 0; number -= 1) moveIfThere(nameOf(number), nameOf(number + 1));
      renameSync(this.#nextPath, this.#path);
    } catch {
      return closeSync(next);
    }
    closeSync(this.#file);
    this.#file = next;
    this.#bytes = 0;
    this.#mostBytes = maxBytes;
    this.#isTorn = false;
  }

  get #nextPath(): string {
    return `${this.#path}.next`;
  }

  #openNext(): number | null {
    try {
      return this.#system.open(this.#nextPath);
    } catch {
      return null;
    }
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
