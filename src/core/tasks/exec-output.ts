import type { InputOf } from "../../contract/operations.js";
import { JoinedController } from "../../host/joined-controller.js";
import { endOfWholeCharacters } from "../../store/kept-text.js";
import type { OutputLog } from "../../store/output-log.js";
import type { Logs, TaskExec } from "./task-exec.js";

type Input = InputOf<"task.exec_output">;

/** A piece of one stream. */
interface Piece {
  readonly text: string;
  /** Bytes before the text that are kept no longer. */
  readonly omittedBytes: number;
  readonly nextOffset: number;
  readonly totalBytes: number;
  readonly isAtEnd: boolean;
}

/** Resolves when there is what the caller waits for, or its time is over. Throws when the caller leaves. */
export async function waitForOutput(exec: TaskExec, input: Input, signal: AbortSignal): Promise<void> {
  if (input.wait_seconds === 0) return;
  const logs = await exec.output();
  using wait = new JoinedController([signal], input.wait_seconds * 1000);
  // It also resolves when the daemon lets go of a command that runs on.
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

/** Resolves when the command has ended, or the time is over. Throws when the caller leaves. */
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

/** What there is of both streams from the caller's offsets on, within the caller's limit. */
export async function readPage(exec: TaskExec, input: Input): Promise<{ stdout: Piece; stderr: Piece }> {
  const { stdout, stderr } = await exec.output();
  const { max_bytes: maxBytes, encoding } = input;
  const forStderr = Math.min(newBytes(stderr, input.stderr_offset), Math.floor(maxBytes / 2));
  const out = await readPiece(stdout, input.stdout_offset, maxBytes - forStderr, encoding);
  const left = maxBytes - (out.nextOffset - input.stdout_offset - out.omittedBytes);
  const err = await readPiece(stderr, input.stderr_offset, left, encoding);
  return { stdout: out, stderr: err };
}

function hasEnough({ stdout, stderr }: Logs, input: Input): boolean {
  const bytes = newBytes(stdout, input.stdout_offset) + newBytes(stderr, input.stderr_offset);
  return input.wait_for === "output" ? bytes > 0 : bytes >= input.max_bytes;
}

function newBytes(log: OutputLog, offset: number): number {
  return Math.max(0, log.totalBytes - offset);
}

async function readPiece(
  log: OutputLog,
  offset: number,
  maxBytes: number,
  encoding: Input["encoding"],
): Promise<Piece> {
  const { start, bytes } = await readRun(log, offset, maxBytes);
  const { totalBytes } = log;
  // A character that is cut off comes whole with the next piece, unless it is all there is.
  const end = encoding === "utf8" ? endOfWholeCharacters(bytes) : bytes.length;
  const isLast = start + bytes.length >= totalBytes && log.isFinal;
  const taken = isLast || end === 0 ? bytes : bytes.subarray(0, end);
  const nextOffset = start + taken.length;
  return {
    text: taken.toString(encoding),
    omittedBytes: start - offset,
    nextOffset,
    totalBytes,
    isAtEnd: nextOffset >= totalBytes,
  };
}

/** Bytes without a gap between them, from an offset on or from the first byte after it that is still kept. */
async function readRun(log: OutputLog, offset: number, maxBytes: number): Promise<{ start: number; bytes: Buffer }> {
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
