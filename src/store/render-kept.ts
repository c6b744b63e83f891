import { renderKeptText, type KeptText } from "./kept-text.js";
import type { OutputLog } from "./output-log.js";
import { KEPT_HALF_BYTES } from "./segments.js";

/** A log's text as a result shows it: head and tail, at most half of the limit each. Counts dropped bytes as left out too. */
export async function renderKept(log: OutputLog, limitBytes: number, isCutOff: boolean): Promise<KeptText> {
  const totalBytes = log.totalBytes;
  const halfBytes = Math.min(Math.floor(limitBytes / 2), KEPT_HALF_BYTES);
  const headEnd = Math.min(halfBytes, totalBytes);
  const head = await readRuns(log, 0, headEnd);
  const tail = await readRuns(log, Math.max(headEnd, totalBytes - halfBytes), totalBytes);
  return renderKeptText(head.first, tail.last, totalBytes, isCutOff);
}

/** The kept parts of a range: its beginning and its end. Both are the same when nothing is missing. */
async function readRuns(log: OutputLog, start: number, end: number): Promise<{ first: Buffer; last: Buffer }> {
  let first: Buffer[] | null = null;
  let run: Buffer[] = [];
  let offset = start;
  while (offset < end) {
    const chunk = await log.read(offset, end - offset);
    if (chunk === null || chunk.offset > offset) {
      first ??= run;
      run = [];
    }
    if (chunk === null || chunk.offset >= end) break;
    const bytes = chunk.bytes.subarray(0, end - chunk.offset);
    run.push(bytes);
    offset = chunk.offset + bytes.length;
  }
  return { first: Buffer.concat(first ?? run), last: Buffer.concat(run) };
}
