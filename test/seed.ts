/**
 * The seed of every random choice in this process: PYRO_TEST_SEED, a whole number from 0 to 2^32 - 1, or a new one. `make test` prints
 * it, and a run with the same seed makes the same choices.
 */
export const seed = readSeed(process.env["PYRO_TEST_SEED"]);

/** A number from 0 to 1, without 1. Takes the place of Math.random, which takes no seed. */
export const random = streamOf(seed);

/** Random numbers of their own, for one of several that work at the same time. */
export function streamOf(start: number): () => number {
  let state = start >>> 0;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function readSeed(text: string | undefined): number {
  if (text === undefined || text === "") return Math.trunc(Math.random() * 2 ** 32);
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number < 2 ** 32) return number;
  throw new Error(`PYRO_TEST_SEED is ${text}; it must be a whole number from 0 to 4294967295.`);
}
