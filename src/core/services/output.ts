import { readPage } from "../exec/output-page.js";
import type { Logs } from "../exec/logs.js";
import type { TaskExec } from "../exec/task-exec.js";
import type { StreamName } from "../../store/output-order.js";

/** An offset in each stream of a command. */
export type Place = Readonly<Record<StreamName, number>>;

/** A part of a command's output, both streams in the order of arrival. */
export interface OutputPart {
  readonly text: string;
  readonly next: Place;
  readonly omittedBytes: number;
  readonly isAtEnd: boolean;
}

export const START: Place = { stdout: 0, stderr: 0 };

/** The output from these offsets on. Bytes that are not valid UTF-8 are replaced. */
export async function readPart(exec: TaskExec, from: Place, maxBytes: number): Promise<OutputPart> {
  const {
    stdout,
    stderr,
    interleaved = [],
  } = await readPage(exec, {
    ...{ task_id: "", sequence: exec.started.sequence, stdout_offset: from.stdout, stderr_offset: from.stderr },
    ...{ max_bytes: maxBytes, wait_seconds: 0, wait_for: "output", interleaved: true, encoding: "utf8" },
  });
  const encodings = { stdout: stdout.encoding, stderr: stderr.encoding };
  return {
    text: interleaved.map(({ stream, text }) => Buffer.from(text, encodings[stream]).toString()).join(""),
    next: { stdout: stdout.nextOffset, stderr: stderr.nextOffset },
    omittedBytes: stdout.omittedBytes + stderr.omittedBytes,
    isAtEnd: stdout.isAtEnd && stderr.isAtEnd,
  };
}

/** The end of the output so far: whole lines up to a number and a number of bytes. */
export async function readTail(exec: TaskExec, lines: number, maxBytes: number): Promise<OutputPart> {
  const from = placeBeforeEnd(await exec.output(), maxBytes);
  const part = await readPart(exec, from, maxBytes);
  const isCut = from.stdout + from.stderr > 0;
  const whole = isCut ? part.text.slice(part.text.indexOf("\n") + 1) : part.text;
  const all = whole.split(/(?<=\n)/);
  return { ...part, text: all.slice(-lines).join(""), omittedBytes: 0 };
}

/** The offsets before the last bytes of the output, this many of them. */
function placeBeforeEnd(logs: Logs, maxBytes: number): Place {
  const place = { stdout: logs.stdout.totalBytes, stderr: logs.stderr.totalBytes };
  const runs = logs.order.runs();
  // The order has bytes that the logs do not have yet.
  const ahead = { stdout: -place.stdout, stderr: -place.stderr };
  for (const { stream, sizeBytes } of runs) ahead[stream] += sizeBytes;
  let left = maxBytes;
  for (const { stream, sizeBytes } of runs.toReversed()) {
    const skipped = Math.min(sizeBytes, Math.max(0, ahead[stream]));
    ahead[stream] -= skipped;
    const taken = Math.min(left, sizeBytes - skipped);
    place[stream] -= taken;
    left -= taken;
    if (left === 0) break;
  }
  return place;
}
