import type { InputOf } from "../../contract/operations.js";
import { JoinedController } from "../../host/joined-controller.js";
import { interleave, type OutputPiece } from "../../store/interleave.js";
import {
  encodeOutput,
  endOfWholeCharacters,
  startOfWholeCharacters,
  type EncodedOutput,
  type ShownBytes,
} from "../../store/kept-text.js";
import type { OutputLog } from "../../store/output-log.js";
import type { StreamName } from "../../store/output-order.js";
import type { Logs } from "./logs.js";
import type { TaskExec } from "./task-exec.js";

type Input = InputOf<"task.exec_output">;

/** A piece of one stream. */
interface Piece extends EncodedOutput {
  readonly parts: readonly ShownBytes[];
  /** Bytes before the text that are no longer kept. */
  readonly omittedBytes: number;
  readonly nextOffset: number;
  readonly totalBytes: number;
  readonly isAtEnd: boolean;
}

/** Resolves when the requested output exists, or after `wait_seconds`. Throws when the caller disconnects. */
export async function waitForOutput(exec: TaskExec, input: Input, signal: AbortSignal): Promise<void> {
  if (input.wait_seconds === 0) return;
  const logs = await exec.output();
  using wait = new JoinedController([signal], input.wait_seconds * 1000);
  // It also resolves when the daemon detaches from a running command.
  const over = exec.done.then(() => true);
  while (exec.isRunning && !wait.signal.aborted && !hasEnough(logs, input)) {
    using round = new JoinedController([wait.signal]);
    const grown = [
      logs.stdout.changed(Math.max(input.stdout_offset, logs.stdout.totalBytes), round.signal),
      logs.stderr.changed(Math.max(input.stderr_offset, logs.stderr.totalBytes), round.signal),
    ];
    const isOver = await Promise.race([over, ...grown]);
    round.abort();
    if (isOver === true) break;
  }
  signal.throwIfAborted();
}

/** Resolves when the command has ended, or after the time that the caller gave. Throws when the caller disconnects. */
export async function waitUntilEnded(
  exec: TaskExec,
  timeoutSeconds: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  using wait = new JoinedController([signal], timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000);
  const over = new Promise((resolve) => wait.signal.addEventListener("abort", resolve, { once: true }));
  if (exec.isRunning && !wait.signal.aborted) await Promise.race([exec.done, over]);
  signal.throwIfAborted();
}

interface Page {
  readonly stdout: Piece;
  readonly stderr: Piece;
  /** Both in the order of arrival, if `interleaved` is set. */
  readonly interleaved?: OutputPiece[];
}

/** The output of both streams from the caller's offsets, within the caller's limit. */
export async function readPage(exec: TaskExec, input: Input): Promise<Page> {
  const logs = await exec.output();
  const { encoding, interleaved } = input;
  const from = { stdout: input.stdout_offset, stderr: input.stderr_offset };
  const request = { exec, encoding };
  if (interleaved) {
    const share = shareInOrder(logs, from, input.max_bytes);
    const stdout = await readPiece(logs.stdout, { ...request, offset: from.stdout, maxBytes: share.stdout });
    const stderr = await readPiece(logs.stderr, { ...request, offset: from.stderr, maxBytes: share.stderr });
    return { stdout, stderr, interleaved: interleave(logs.order.runs(), { stdout, stderr }) };
  }
  const forStderr = Math.min(newBytes(logs.stderr, from.stderr), Math.floor(input.max_bytes / 2));
  const maxBytes = input.max_bytes - forStderr;
  const stdout = await readPiece(logs.stdout, { ...request, offset: from.stdout, maxBytes });
  const left = input.max_bytes - (stdout.nextOffset - from.stdout - stdout.omittedBytes);
  const stderr = await readPiece(logs.stderr, { ...request, offset: from.stderr, maxBytes: left });
  return { stdout, stderr };
}

/** How much of each stream a page has that takes both in the order of arrival. */
function shareInOrder(logs: Logs, from: Readonly<Record<StreamName, number>>, maxBytes: number) {
  const share = { stdout: 0, stderr: 0 };
  const place = { stdout: 0, stderr: 0 };
  let left = maxBytes;
  for (const { stream, sizeBytes } of logs.order.runs()) {
    const start = Math.max(place[stream], firstKept(logs[stream], from[stream]));
    place[stream] += sizeBytes;
    const taken = Math.max(0, Math.min(left, place[stream] - start));
    share[stream] += taken;
    left -= taken;
  }
  return share;
}

/** The first byte from an offset on that is still kept. */
function firstKept(log: OutputLog, offset: number): number {
  const range = log.keptRanges().find(({ end }) => end > offset);
  return Math.max(offset, range?.start ?? offset);
}

function hasEnough({ stdout, stderr }: Logs, input: Input): boolean {
  const bytes = newBytes(stdout, input.stdout_offset) + newBytes(stderr, input.stderr_offset);
  return input.wait_for === "output" ? bytes > 0 : bytes >= input.max_bytes;
}

function newBytes(log: OutputLog, offset: number): number {
  return Math.max(0, log.totalBytes - offset);
}

interface PieceRequest {
  readonly exec: TaskExec;
  readonly encoding: Input["encoding"];
  readonly offset: number;
  readonly maxBytes: number;
}

async function readPiece(log: OutputLog, { exec, encoding, offset, maxBytes }: PieceRequest): Promise<Piece> {
  const run = await readRun(log, offset, maxBytes);
  const { totalBytes } = log;
  const isLast = run.start + run.bytes.length >= totalBytes && log.isFinal;
  const { start, bytes } = encoding === "utf8" ? cutCharacters(run, { offset, isLast }) : run;
  const nextOffset = start + bytes.length;
  return {
    ...(encoding === "utf8"
      ? encodeOutput(bytes, isLast && exec.isCutOff)
      : { text: bytes.toString(encoding), encoding }),
    parts: [{ start, bytes }],
    omittedBytes: start - offset,
    nextOffset,
    totalBytes,
    isAtEnd: nextOffset >= totalBytes,
  };
}

interface Run {
  readonly start: number;
  readonly bytes: Buffer;
}

/** Leaves out the rest of a character after a gap. A character that is cut off at the end comes with the next piece, unless the piece has no other. */
function cutCharacters({ start, bytes }: Run, { offset, isLast }: { offset: number; isLast: boolean }): Run {
  const from = start > offset ? startOfWholeCharacters(bytes) : 0;
  const end = endOfWholeCharacters(bytes);
  return { start: start + from, bytes: bytes.subarray(from, isLast || end <= from ? bytes.length : end) };
}

/** Bytes without a gap between them, from an offset on or from the first byte after it that is still kept. */
async function readRun(log: OutputLog, offset: number, maxBytes: number): Promise<Run> {
  const chunks: Buffer[] = [];
  let start = offset;
  let end = offset;
  while (end - start < maxBytes) {
    const chunk = await log.read(end, maxBytes - (end - start));
    if (chunk === null || (chunks.length > 0 && chunk.offset > end)) break;
    if (chunks.length === 0) start = chunk.offset;
    chunks.push(chunk.bytes);
    end = chunk.offset + chunk.bytes.length;
  }
  return { start, bytes: Buffer.concat(chunks) };
}
