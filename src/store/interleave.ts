import { endOfWholeCharacters, type EncodedOutput, type ShownBytes } from "./kept-text.js";
import { streamNames, type Run, type StreamName } from "./output-order.js";

/** The visible parts of a stream, in order. */
export interface ShownStream {
  readonly parts: readonly ShownBytes[];
  readonly encoding: EncodedOutput["encoding"];
}

/** A piece of one stream, in the encoding of that stream. */
export interface OutputPiece {
  readonly stream: StreamName;
  readonly text: string;
}

/** The visible parts of two streams as pieces in the order of arrival. The pieces of a stream add up to its visible parts. */
export function interleave(runs: readonly Run[], shown: Readonly<Record<StreamName, ShownStream>>): OutputPiece[] {
  const cursors = { stdout: new Cursor(shown.stdout), stderr: new Cursor(shown.stderr) };
  const pieces: { readonly stream: StreamName; readonly bytes: Buffer[] }[] = [];
  const add = (stream: StreamName, bytes: Buffer) => {
    if (bytes.length === 0) return;
    if (pieces.at(-1)?.stream !== stream) pieces.push({ stream, bytes: [] });
    pieces.at(-1)!.bytes.push(bytes);
  };
  for (const { stream, sizeBytes } of runs) add(stream, cursors[stream].take(sizeBytes));
  for (const stream of streamNames) add(stream, cursors[stream].takeRest());
  return pieces.map(({ stream, bytes }) => ({ stream, text: Buffer.concat(bytes).toString(shown[stream].encoding) }));
}

/** An offset in a stream, and the part that is shown from there. */
class Cursor {
  readonly #shown: ShownStream;
  #place = 0;
  /** The beginning of a character that is not complete yet. */
  #half: Buffer = Buffer.alloc(0);

  constructor(shown: ShownStream) {
    this.#shown = shown;
  }

  /** The shown part of the next bytes of the stream, up to the last whole character. */
  take(sizeBytes: number): Buffer {
    const bytes = Buffer.concat([this.#half, ...this.#advance(sizeBytes)]);
    const end = this.#shown.encoding === "utf-8" ? endOfWholeCharacters(bytes) : bytes.length;
    this.#half = bytes.subarray(end);
    return bytes.subarray(0, end);
  }

  takeRest(): Buffer {
    return Buffer.concat([this.#half, ...this.#advance(Infinity)]);
  }

  #advance(sizeBytes: number): Buffer[] {
    const from = this.#place;
    const to = (this.#place += sizeBytes);
    return this.#shown.parts.map(({ start, bytes, isMark = false }) => {
      if (isMark) return bytes.subarray(0, from <= start && start < to ? bytes.length : 0);
      return bytes.subarray(Math.max(0, from - start), Math.max(0, to - start));
    });
  }
}
