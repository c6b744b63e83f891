import { PyroError, type ErrorCode } from "../../src/contract/errors.js";

/** A parser that reads bytes of a guest, an archive, an image or a client. */
export interface FuzzTarget {
  readonly name: string;
  /** Inputs like those of the real world. Others are made from them. */
  readonly seeds: readonly Buffer[];
  /** Words that the parser looks for. */
  readonly words?: readonly (string | Buffer)[];
  /** Most bytes of an input. */
  readonly maxBytes?: number;
  /**
   * Parses an input, and returns what has happened in a few words. Throws when the parser breaks a promise: an error that it may not
   * throw, or a result that must not be.
   */
  readonly run: (input: Buffer) => string | Promise<string>;
}

/** What an error says, without its numbers and names. Throws an error that is not among the allowed ones. */
export function describeRefusal(error: unknown, allowed: readonly ErrorCode[] | RegExp): string {
  const isAllowed =
    error instanceof PyroError && (allowed instanceof RegExp ? allowed.test(error.code) : allowed.includes(error.code));
  if (!isAllowed) throw error;
  return `${error.code} ${withoutValues(error.message)}`;
}

/** The first plain words of a message, without what it quotes. */
export function withoutValues(text: string): string {
  const plain = text.replace(/"[^"]*"|'[^']*'|`[^`]*`/g, "");
  return (plain.match(/(?<![^\s])[A-Za-z]{2,}(?![^\s,:.;])/g) ?? []).slice(0, 8).join(" ");
}

/**
 * An input in pieces that depend on it alone: one input in four, or in `oneIn`, in pieces of less than 64 bytes, the others in larger
 * ones, which are read sooner.
 */
export function* piecesOf(input: Buffer, oneIn = 4): Generator<Buffer, void> {
  const number = input.length * 7 + (input.at(-1) ?? 0);
  const step = 1 + (number % oneIn === 0 ? number % 61 : number % 2_039);
  for (let at = 0; at < input.length; at += step) yield input.subarray(at, at + step);
}

/** Pieces as a stream. It is no asynchronous generator, which takes several turns for each piece. */
export function streamOf(pieces: Iterable<Buffer>): AsyncIterable<Buffer> {
  return {
    [Symbol.asyncIterator]: () => {
      const iterator = pieces[Symbol.iterator]();
      return { next: () => Promise.resolve(iterator.next()) };
    },
  };
}
