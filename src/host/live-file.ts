import {
  type BigIntStats,
  closeSync,
  constants,
  fstatSync,
  openSync,
  read,
  readlinkSync,
  readSync,
  realpathSync,
} from "node:fs";
import { promisify } from "node:util";

import { DataFinder, type DataPieces } from "./data-pieces.js";
import { isUnchanged } from "./tree.js";

/** A file that is sent while other processes may write to it. */
export interface LiveFile {
  /** The file's metadata at the moment when the content was read. */
  readonly stat: BigIntStats;
  /** The size of the file, holes included. */
  readonly sizeBytes: number;
  /** The pieces of data that `content` yields; null when it yields the whole file. */
  readonly pieces: DataPieces | null;
  readonly content: AsyncIterable<Buffer>;
}

/** Larger files are not kept in memory: their content is read once, while it is sent. */
const WHOLE_BYTES = 67_108_864;
/** Bytes read at once of a larger file. */
const READ_BYTES = 1_048_576;
/** Reads up to this size are synchronous: Node's threads would take ten times as long. */
const SMALL_BYTES = 131_072;
/** Holes of less than this are not searched for. */
const SPARSE_BYTES = 65_536n;
/** How often a file that changes while it is read is read again. */
const TRIES = 5;
/** A file that changed so recently may be in the middle of a long write, which sets the time only at its beginning. */
const RECENT_NS = 1_000_000_000n;
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const readAsync = promisify(read);

/**
 * Opens a file that may change at any time, and reads its content as it was at one instant: until two reads agree, or agree in their
 * beginning for a file that grows. If no two reads agree, or a file of more than 64 MiB changes while it is sent, calls `onChanged`;
 * the content is then that of the last read. Throws the error of opening or reading.
 */
export async function openLiveFile(path: string, onChanged: () => void): Promise<LiveFile> {
  const fd = openSync(path, FLAGS);
  let isHandedOn = false;
  try {
    assertBeneath(fd, path);
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile()) throw Object.assign(new Error("it is no longer a regular file"), { code: "EISDIR" });
    if (stat.size <= WHOLE_BYTES) return await readWhole(fd, onChanged);
    const pieces = isSparse(stat) ? await findPieces(fd, Number(stat.size)) : null;
    const whole = [[0, Number(stat.size)]] as const;
    isHandedOn = true;
    return { stat, sizeBytes: Number(stat.size), pieces, content: readOnce(fd, stat, pieces ?? whole, onChanged) };
  } finally {
    if (!isHandedOn) closeSync(fd);
  }
}

/** Throws ENOENT when a directory on the way to the file has become a link since the tree was walked. */
function assertBeneath(fd: number, path: string): void {
  if (pathOf(fd) === path || realpathSync(path) === path) return;
  throw Object.assign(new Error("a parent directory has become a link"), { code: "ENOENT" });
}

/** The path of an open file; null when the host does not report it. */
function pathOf(fd: number): string | null {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}

async function readWhole(fd: number, onChanged: () => void): Promise<LiveFile> {
  for (let tries = 1; ; tries++) {
    const before = fstatSync(fd, { bigint: true });
    const content = await readToEnd(fd, Number(before.size));
    const isAsLong = BigInt(content.length) === before.size;
    const isCalm = isAsLong && !isRecent(before) && isUnchanged(before, fstatSync(fd, { bigint: true }));
    const isWhole = content.length <= WHOLE_BYTES;
    const isSteady = isWhole && (isCalm || startsWith(await readToEnd(fd, content.length), content));
    if (!isSteady && tries < TRIES) continue;
    if (!isSteady) onChanged();
    const kept = content.subarray(0, WHOLE_BYTES);
    return isSparse(before)
      ? withoutHoles(before, kept)
      : { stat: before, sizeBytes: kept.length, pieces: null, content: once(kept) };
  }
}

function isRecent({ ctimeNs }: BigIntStats): boolean {
  return BigInt(Date.now()) * 1_000_000n - ctimeNs < RECENT_NS;
}

function startsWith(longer: Buffer, start: Buffer): boolean {
  return longer.subarray(0, start.length).equals(start);
}

/** All of a file, even if its size is wrong; at most one byte more than fits. */
async function readToEnd(fd: number, expectedBytes: number): Promise<Buffer> {
  let buffer = Buffer.allocUnsafe(Math.min(expectedBytes, WHOLE_BYTES) + 1);
  let used = 0;
  for (;;) {
    const bytes = await readAt(fd, buffer, used);
    used += bytes;
    if (bytes === 0 || used > WHOLE_BYTES) return buffer.subarray(0, used);
    if (used < buffer.length) continue;
    const larger = Buffer.allocUnsafe(Math.min(2 * buffer.length + READ_BYTES, WHOLE_BYTES + 1));
    buffer.copy(larger, 0, 0, used);
    buffer = larger;
  }
}

async function readAt(fd: number, buffer: Buffer, position: number): Promise<number> {
  const length = buffer.length - position;
  if (length <= SMALL_BYTES) return readSync(fd, buffer, position, length, position);
  return (await readAsync(fd, buffer, position, length, position)).bytesRead;
}

/** True for a file that takes less room than its size. Node.js has no SEEK_HOLE, so zeros are searched for then. */
function isSparse({ size, blocks }: BigIntStats): boolean {
  return blocks * 512n + SPARSE_BYTES <= size;
}

function withoutHoles(stat: BigIntStats, content: Buffer): LiveFile {
  const finder = new DataFinder();
  finder.add(content);
  const pieces = finder.finish();
  const parts = (pieces ?? [[0, content.length]]).map(([offset, bytes]) => content.subarray(offset, offset + bytes));
  return { stat, sizeBytes: content.length, pieces, content: each(parts) };
}

async function findPieces(fd: number, sizeBytes: number): Promise<DataPieces | null> {
  const finder = new DataFinder();
  const piece = Buffer.allocUnsafe(READ_BYTES);
  for (let at = 0; at < sizeBytes;) {
    const wanted = Math.min(READ_BYTES, sizeBytes - at);
    const { bytesRead } = await readAsync(fd, piece, 0, wanted, at);
    // The file became shorter, or the read was cut: the rest is sent as data.
    if (bytesRead < wanted) return null;
    finder.add(piece.subarray(0, bytesRead));
    at += bytesRead;
  }
  return finder.finish();
}

async function* each(parts: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const part of parts) if (part.length > 0) yield part;
}

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  if (content.length > 0) yield content;
}

/** Exactly the announced bytes: cut when the file has grown, filled with zeros when it became shorter. */
async function* readOnce(
  fd: number,
  before: BigIntStats,
  pieces: DataPieces,
  onChanged: () => void,
): AsyncGenerator<Buffer> {
  try {
    for (const [offset, bytes] of pieces) {
      for (let left = bytes, at = offset; left > 0;) {
        const piece = Buffer.allocUnsafe(Math.min(left, READ_BYTES));
        const { bytesRead } = await readAsync(fd, piece, 0, piece.length, at);
        const filled = bytesRead === 0 ? piece.fill(0) : piece.subarray(0, bytesRead);
        yield filled;
        at += filled.length;
        left -= filled.length;
      }
    }
    if (!isUnchanged(before, fstatSync(fd, { bigint: true }))) onChanged();
  } finally {
    closeSync(fd);
  }
}
