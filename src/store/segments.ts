import { join } from "node:path";

import { listNames, stat } from "../host/files.js";

/** One file of an output log: `NAME.START`, which holds the bytes of the stream from START on. */
export interface Segment {
  readonly start: number;
  readonly sizeBytes: number;
}

/** Bytes from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export const SEGMENT_BYTES = 1 << 20;
/** How much is kept of a stream: this much of its beginning, and at least as much of its end. */
export const KEPT_HALF_BYTES = 4 << 20;

/** The start of the segment that holds a byte. */
export function segmentStart(offset: number): number {
  return offset - (offset % SEGMENT_BYTES);
}

export function segmentPath(directory: string, name: string, start: number): string {
  return join(directory, `${name}.${start}`);
}

/** The segments on disk, in order. Files of other names are ignored. */
export async function readSegments(directory: string, name: string): Promise<Segment[]> {
  const files = await listNames(directory);
  const starts = files.map((file) => parseStart(file, name)).filter((start) => start !== null);
  starts.sort((a, b) => a - b);
  const segments: Segment[] = [];
  for (const start of starts) {
    const found = await stat(segmentPath(directory, name, start));
    if (found.isFile()) segments.push({ start, sizeBytes: Math.min(found.size, SEGMENT_BYTES) });
  }
  return segments;
}

/** True for a segment wholly in the middle that no follower needs, since all of it is before an offset: it is not kept. */
export function isInMiddle({ start }: Segment, totalBytes: number, oldestNeeded: number): boolean {
  return start >= KEPT_HALF_BYTES && start + SEGMENT_BYTES <= Math.min(totalBytes - KEPT_HALF_BYTES, oldestNeeded);
}

/** The ranges that the segments cover, with adjacent ranges joined. */
export function rangesOf(segments: readonly Segment[]): Range[] {
  const ranges: Range[] = [];
  for (const { start, sizeBytes } of segments) {
    if (sizeBytes === 0) continue;
    const last = ranges.at(-1);
    if (last?.end === start) ranges[ranges.length - 1] = { start: last.start, end: start + sizeBytes };
    else ranges.push({ start, end: start + sizeBytes });
  }
  return ranges;
}

function parseStart(file: string, name: string): number | null {
  if (!file.startsWith(`${name}.`)) return null;
  const start = Number(file.slice(name.length + 1));
  const isStart = Number.isSafeInteger(start) && start >= 0 && start % SEGMENT_BYTES === 0;
  return isStart && file === `${name}.${start}` ? start : null;
}
