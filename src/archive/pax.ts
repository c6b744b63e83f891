import { corrupt } from "./refusal.js";

/** One record of an extended header; values are bytes, since names need not be text. */
export type PaxRecord = readonly [key: string, value: Buffer];

/** The records of an extended header: `LENGTH KEY=VALUE\n`, each, with nothing between or after them. */
export function parsePax(data: Buffer, shown: string): PaxRecord[] {
  const records: PaxRecord[] = [];
  for (let start = 0; start < data.length;) {
    const space = data.indexOf(0x20, start);
    const digits = data.toString("latin1", start, space === -1 ? start : Math.min(space, start + 20));
    const end = start + Number(digits);
    const equals = data.indexOf(0x3d, space);
    if (
      !/^[1-9][0-9]*$/.test(digits) ||
      end > data.length ||
      data[end - 1] !== 0x0a ||
      equals <= space + 1 ||
      equals >= end
    ) {
      throw corrupt("a record of an extended header is invalid", shown);
    }
    records.push([data.toString("utf8", space + 1, equals), data.subarray(equals + 1, end - 1)]);
    start = end;
  }
  return records;
}

/** The bytes of an extended header. */
export function buildPax(records: readonly (readonly [key: string, value: string])[]): Buffer {
  return Buffer.from(
    records
      .map(([key, value]) => {
        const rest = ` ${key}=${value}\n`;
        const bytes = Buffer.byteLength(rest);
        let length = bytes + String(bytes).length;
        length = bytes + String(length).length;
        return `${length}${rest}`;
      })
      .join(""),
  );
}

/** `SECONDS.FRACTION`, the fraction to the nanosecond; null for any other text. */
export function parseTime(text: string): { seconds: number; ns: number } | null {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(text);
  if (match === null) return null;
  const [, sign = "", whole = "", fraction = ""] = match;
  const seconds = Number(whole);
  const ns = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (sign === "") return { seconds, ns };
  return ns === 0 ? { seconds: 0 - seconds, ns: 0 } : { seconds: -seconds - 1, ns: 1_000_000_000 - ns };
}

/** Decimal digits as a number; null when there are none or too many. */
export function parseDecimal(text: string): number | null {
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : null;
}
