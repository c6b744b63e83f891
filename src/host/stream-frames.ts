import { PyroError } from "../contract/errors.js";

/** Frames of the stream between a client and the daemon (docs/stream.md). Pure: no sockets here. */

export const frameType = {
  input: 1,
  data: 2,
  end: 3,
  window: 4,
  cancel: 5,
  event: 6,
  result: 7,
  error: 8,
  resize: 9,
} as const;
/** The types of frames that a caller sends. */
export const callerFrames: ReadonlySet<number> = new Set([
  frameType.input,
  frameType.data,
  frameType.end,
  frameType.window,
  frameType.cancel,
  frameType.resize,
]);
/** The types of frames that a daemon sends. */
export const daemonFrames: ReadonlySet<number> = new Set([
  frameType.data,
  frameType.window,
  frameType.event,
  frameType.result,
  frameType.error,
]);
export const streamChannel = { stdin: 0, stdout: 1, stderr: 2, source: 3 } as const;

export interface StreamFrame {
  readonly type: number;
  readonly channel: number;
  readonly payload: Buffer;
}

const HEADER_BYTES = 8;
const CHANNELS = Object.keys(streamChannel).length;

/** The header of a frame whose payload has this many bytes. */
export function buildHeader(type: number, channel: number, length: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32LE(length, 0);
  header.writeUInt8(type, 4);
  header.writeUInt8(channel, 5);
  return header;
}

export function buildWindow(channel: number, limit: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64LE(BigInt(limit));
  return Buffer.concat([buildHeader(frameType.window, channel, payload.length), payload]);
}

/** The offset of its channel up to which the other end may send. Throws INVALID_ARGUMENT. */
export function parseWindow({ payload }: StreamFrame): number {
  const limit = payload.length === 8 ? payload.readBigUInt64LE() : -1n;
  if (limit < 0n || limit > BigInt(Number.MAX_SAFE_INTEGER)) throw broken("A window frame has no offset of 8 bytes.");
  return Number(limit);
}

/**
 * Turns bytes into frames. The payload of a data frame is passed on in pieces as it arrives, without a copy; every other
 * frame is passed on when it is whole. Throws INVALID_ARGUMENT at the first frame that breaks a rule.
 */
export class FrameReader {
  readonly #types: ReadonlySet<number>;
  readonly #maxMessageBytes: number;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerBytes = 0;
  #leftBytes = 0;
  #parts: Buffer[] = [];

  /** `types` are those that the other end may send. */
  constructor(types: ReadonlySet<number>, maxMessageBytes: number) {
    this.#types = types;
    this.#maxMessageBytes = maxMessageBytes;
  }

  *read(chunk: Buffer): Generator<StreamFrame, void> {
    for (let at = 0; at < chunk.length;) {
      if (this.#headerBytes < HEADER_BYTES) {
        const copied = chunk.copy(this.#header, this.#headerBytes, at);
        this.#headerBytes += copied;
        at += copied;
        if (this.#headerBytes < HEADER_BYTES) return;
        this.#leftBytes = this.#parseLength();
      }
      const piece = chunk.subarray(at, at + this.#leftBytes);
      at += piece.length;
      this.#leftBytes -= piece.length;
      const frame = this.#take(piece);
      if (this.#leftBytes === 0) this.#headerBytes = 0;
      if (frame !== null) yield frame;
    }
  }

  #take(piece: Buffer): StreamFrame | null {
    const [type, channel] = [this.#header[4]!, this.#header[5]!];
    if (type === frameType.data) return piece.length > 0 ? { type, channel, payload: piece } : null;
    this.#parts.push(piece);
    if (this.#leftBytes > 0) return null;
    const payload = Buffer.concat(this.#parts);
    this.#parts = [];
    return { type, channel, payload };
  }

  #parseLength(): number {
    const length = this.#header.readUInt32LE(0);
    const type = this.#header[4]!;
    if (!this.#types.has(type)) throw broken(`A frame has the unknown type ${type}.`);
    if (this.#header[5]! >= CHANNELS)
      throw broken(`A frame names the channel ${this.#header[5]}, which does not exist.`);
    if (this.#header.readUInt16LE(6) !== 0) throw broken("The last two bytes of a frame's header are not zero.");
    if (type !== frameType.data && length > this.#maxMessageBytes) {
      throw broken(`A frame of type ${type} has ${length} bytes; at most ${this.#maxMessageBytes} are read.`);
    }
    return length;
  }
}

export function broken(message: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", message, { hint: "The frames are described in docs/stream.md." });
}
