/** Values in DER, the encoding of certificates. */

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(0x30, ...parts);
}

/** A set of one. */
export function setOf(part: Uint8Array): Buffer {
  return tagged(0x31, part);
}

/** A positive whole number, given as its bytes. */
export function integer(bytes: Uint8Array): Buffer {
  return tagged(0x02, (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.of(0), bytes]) : bytes);
}

export function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.of(value ? 0xff : 0));
}

export function octets(...parts: readonly Uint8Array[]): Buffer {
  return tagged(0x04, ...parts);
}

/** Bits, of which the last `unused` do not count. */
export function bits(bytes: Uint8Array, unused = 0): Buffer {
  return tagged(0x03, Buffer.of(unused), bytes);
}

export function text(value: string): Buffer {
  return tagged(0x0c, Buffer.from(value, "utf8"));
}

/** A time with whole seconds, in the form that its year demands. */
export function time(value: Date): Buffer {
  const digits = value.toISOString().replace(/[-:T]|\.\d+/g, "");
  return value.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

/** An object identifier, given with dots. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** A value with a tag of its context: `[number]`; one that consists of other values is `constructed`. */
export function context(number: number, isConstructed: boolean, ...parts: readonly Uint8Array[]): Buffer {
  return tagged(0x80 | (isConstructed ? 0x20 : 0) | number, ...parts);
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.of(tag, ...length), content]);
}
