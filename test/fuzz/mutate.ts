/** Random choices, from numbers between 0 and 1. */
export class Choices {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A whole number from 0 to `end`, without `end`. */
  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  of<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!;
  }
}

interface Material {
  readonly pick: Choices;
  /** Other inputs, parts of which may be taken. */
  readonly others: readonly Buffer[];
  readonly words: readonly Buffer[];
}

type Mutator = (input: Buffer, material: Material) => Buffer;

const NUMBERS = [0, 1, 2, 7, 8, 9, 10, 13, 32, 34, 47, 48, 57, 92, 123, 125, 127, 128, 254, 255];
const WIDE = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x10001, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
const DIGITS = [
  "0",
  "1",
  "-1",
  "4096",
  "65536",
  "2147483648",
  "4294967296",
  "9007199254740991",
  "9007199254740993",
  "1e309",
];

/** A place in an input and the length of a part that begins there. */
function partOf(input: Buffer, pick: Choices): [at: number, length: number] {
  const at = pick.below(input.length + 1);
  return [at, pick.below(Math.min(64, input.length - at) + 1)];
}

function splice(input: Buffer, at: number, removed: number, inserted: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, at), inserted, input.subarray(at + removed)]);
}

const mutators: readonly Mutator[] = [
  (input, { pick }) => {
    const copy = Buffer.from(input);
    if (copy.length > 0) copy[pick.below(copy.length)]! ^= 1 << pick.below(8);
    return copy;
  },
  (input, { pick }) => {
    const copy = Buffer.from(input);
    if (copy.length > 0) copy[pick.below(copy.length)] = pick.of(NUMBERS);
    return copy;
  },
  (input, { pick }) => {
    const copy = Buffer.from(input);
    const at = pick.below(copy.length + 1);
    if (at + 4 > copy.length) return copy;
    if (pick.below(2) === 0) copy.writeUInt32LE(pick.of(WIDE), at);
    else copy.writeUInt32BE(pick.of(WIDE), at);
    return copy;
  },
  (input, { pick }) => {
    const [at, length] = partOf(input, pick);
    return splice(input, at, length, Buffer.alloc(0));
  },
  (input, { pick }) => {
    const [at, length] = partOf(input, pick);
    return splice(input, at, 0, input.subarray(at, at + length));
  },
  (input, { pick }) => {
    const [from, length] = partOf(input, pick);
    return splice(input, pick.below(input.length + 1), 0, input.subarray(from, from + length));
  },
  (input, { pick }) =>
    splice(input, pick.below(input.length + 1), 0, Buffer.alloc(1 + pick.below(64), pick.of(NUMBERS))),
  (input, { pick, words }) => {
    const word = words.length > 0 ? pick.of(words) : Buffer.from(pick.of(DIGITS));
    const at = pick.below(input.length + 1);
    return splice(input, at, pick.below(2) === 0 ? 0 : word.length, word);
  },
  (input, { pick }) => {
    const numbers = [...input.toString("latin1").matchAll(/\d+/g)];
    if (numbers.length === 0) return input;
    const { index, 0: text } = pick.of(numbers);
    return splice(input, index, text.length, Buffer.from(pick.of(DIGITS)));
  },
  (input, { pick, others }) => {
    const other = pick.of(others);
    return Buffer.concat([
      input.subarray(0, pick.below(input.length + 1)),
      other.subarray(pick.below(other.length + 1)),
    ]);
  },
  (input, { pick }) => input.subarray(0, pick.below(input.length + 1)),
];

/** An input that is made from another one by a few changes. */
export function mutate(input: Buffer, material: Material, maxBytes: number): Buffer {
  let changed = input;
  for (let left = 1 + material.pick.below(5); left > 0; left -= 1)
    changed = material.pick.of(mutators)(changed, material);
  return changed.length > maxBytes ? changed.subarray(0, maxBytes) : changed;
}
