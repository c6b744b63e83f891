import { PyroError } from "../contract/errors.js";
import { frameType } from "./messages.js";

/** Frames of the guest protocol as bytes (protocol/PROTOCOL.md §1, §2). Pure: no sockets here. */

export const MAX_PAYLOAD_BYTES = 65_536;
const HEADER_BYTES = 12;
const TAG_BYTES = 4;
/** Exactly the longest frame, so that no half-read frame can swallow what follows. */
const PAD_BYTES = HEADER_BYTES + MAX_PAYLOAD_BYTES + TAG_BYTES;
const PAD = Buffer.alloc(PAD_BYTES);
const SYNC_MAGIC = Buffer.from("\x89PYROSYNC\r\n\x1a\n\x00\x01\xff", "latin1");
const BACK_MAGIC = Buffer.from("\x89PYROBACK\r\n\x1a\n\x00\x01\xff", "latin1");

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Longest piece of content in one piece of mail. */
export const LETTER_MAX_BYTES = 1_048_576;

const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(frameType));

/** The host's start of a session: padding that completes any half-read frame, magic, nonce. */
export function buildSync(nonce: Buffer): Buffer {
  return Buffer.concat([PAD, SYNC_MAGIC, nonce]);
}

export function buildFrame(frame: Frame, tag: Buffer): Buffer {
  const { payload } = frame;
  if (payload.length > MAX_PAYLOAD_BYTES) {
    throw new PyroError("INVALID_ARGUMENT", `The message is too long for one frame (${payload.length} bytes).`);
  }
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + payload.length + TAG_BYTES);
  bytes.writeUInt32LE(payload.length, 0);
  bytes.writeUInt32LE(frame.stream, 4);
  bytes.writeUInt32LE(frame.type, 8);
  payload.copy(bytes, HEADER_BYTES);
  tag.copy(bytes, HEADER_BYTES + payload.length);
  return bytes;
}

/**
 * Turns the agent's bytes into frames. Ignores everything before the answer to `nonce`. After it, a broken frame throws AGENT_PROTOCOL,
 * and the connection is useless.
 */
export class FrameParser {
  /** Received bytes that are not parsed yet lie between `#from` and `#to`. */
  #bytes: Buffer = Buffer.alloc(0);
  #from = 0;
  #to = 0;
  /** Whether there is room to write after `#to`. */
  #isOwn = false;
  #marker: Buffer;
  #tag: Buffer;
  #synced = false;

  constructor(nonce: Buffer) {
    this.#marker = Buffer.concat([BACK_MAGIC, nonce]);
    this.#tag = nonce.subarray(0, TAG_BYTES);
  }

  get synced(): boolean {
    return this.#synced;
  }

  /** Waits for the answer to another nonce instead. */
  expect(nonce: Buffer): void {
    this.#marker = Buffer.concat([BACK_MAGIC, nonce]);
    this.#tag = nonce.subarray(0, TAG_BYTES);
  }

  /** Takes the next bytes of the connection. */
  push(chunk: Buffer): void {
    this.#append(chunk);
    if (!this.#synced) this.#hunt();
  }

  /** The next whole frame; null when it is not complete yet. */
  next(): Frame | null {
    if (!this.#synced || this.#to - this.#from < HEADER_BYTES) return null;
    const bytes = this.#bytes;
    const length = bytes.readUInt32LE(this.#from);
    const type = bytes.readUInt32LE(this.#from + 8);
    if (length > MAX_PAYLOAD_BYTES || !KNOWN_TYPES.has(type)) {
      throw new PyroError("AGENT_PROTOCOL", "The guest sent a broken frame.", { details: { length, type } });
    }
    const start = this.#from + HEADER_BYTES;
    const end = start + length;
    if (this.#to < end + TAG_BYTES) return null;
    if (bytes.compare(this.#tag, 0, TAG_BYTES, end, end + TAG_BYTES) !== 0) {
      throw new PyroError("AGENT_PROTOCOL", "The guest sent a frame of another session.");
    }
    const frame = { type, stream: bytes.readUInt32LE(this.#from + 4), payload: bytes.subarray(start, end) };
    this.#from = end + TAG_BYTES;
    return frame;
  }

  #hunt(): void {
    const held = this.#bytes.subarray(this.#from, this.#to);
    const at = held.indexOf(this.#marker);
    this.#synced = at >= 0;
    this.#from += this.#synced ? at + this.#marker.length : Math.max(0, held.length - this.#marker.length + 1);
  }

  /** A chunk is parsed in place, unless a part of a frame precedes it. The buffer doubles, so that no byte is copied often. */
  #append(chunk: Buffer): void {
    const held = this.#to - this.#from;
    if (held === 0) {
      this.#bytes = chunk;
      this.#from = 0;
      this.#to = chunk.length;
      this.#isOwn = false;
      return;
    }
    if (!this.#isOwn || this.#bytes.length - this.#to < chunk.length) {
      const larger = Buffer.allocUnsafeSlow(2 * (held + chunk.length));
      this.#bytes.copy(larger, 0, this.#from, this.#to);
      this.#bytes = larger;
      this.#from = 0;
      this.#to = held;
      this.#isOwn = true;
    }
    chunk.copy(this.#bytes, this.#to);
    this.#to += chunk.length;
  }
}

/** Bytes of one channel, at their offset. */
export interface Data {
  readonly channel: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

export interface Window {
  readonly channel: number;
  readonly acked: number;
  readonly limit: number;
}

const DATA_HEADER_BYTES = 9;

export function buildData({ channel, offset, bytes }: Data): Buffer {
  const payload = Buffer.allocUnsafe(DATA_HEADER_BYTES + bytes.length);
  payload.writeUInt8(channel, 0);
  payload.writeBigUInt64LE(BigInt(offset), 1);
  bytes.copy(payload, DATA_HEADER_BYTES);
  return payload;
}

/** A data frame's header; its bytes follow without a copy, and then the tag. */
export function buildDataHead(stream: number, { channel, offset, bytes }: Data): Buffer {
  const head = Buffer.allocUnsafe(HEADER_BYTES + DATA_HEADER_BYTES);
  head.writeUInt32LE(DATA_HEADER_BYTES + bytes.length, 0);
  head.writeUInt32LE(stream, 4);
  head.writeUInt32LE(frameType.data, 8);
  head.writeUInt8(channel, HEADER_BYTES);
  head.writeBigUInt64LE(BigInt(offset), HEADER_BYTES + 1);
  return head;
}

/** Bytes of one channel that are in the mailbox. */
export interface Mail {
  readonly channel: number;
  readonly offset: number;
  /** The offset in the mailbox. */
  readonly at: number;
  readonly length: number;
}

const MAIL_BYTES = 21;
const MAIL_LENGTH_AT = 17;

export function buildMail({ channel, offset, at, length }: Mail): Buffer {
  const payload = Buffer.allocUnsafe(MAIL_BYTES);
  payload.writeUInt8(channel, 0);
  payload.writeBigUInt64LE(BigInt(offset), 1);
  payload.writeBigUInt64LE(BigInt(at), 9);
  payload.writeUInt32LE(length, MAIL_LENGTH_AT);
  return payload;
}

export function parseMail(payload: Buffer): Mail {
  if (payload.length !== MAIL_BYTES) throw shortFrame("mail");
  const [offset, at] = [parseOffset(payload, 1), parseOffset(payload, 9)];
  return { channel: payload.readUInt8(0), offset, at, length: payload.readUInt32LE(MAIL_LENGTH_AT) };
}

/** The bytes that a frame of mail makes the daemon read besides its own. A longer piece is refused, so it costs no more. */
export function countMailed({ payload }: Frame): number {
  return payload.length === MAIL_BYTES ? Math.min(payload.readUInt32LE(MAIL_LENGTH_AT), LETTER_MAX_BYTES) : 0;
}

/** A number of zero bytes of content. */
export function buildZeros({ channel, offset, length }: Omit<Mail, "at">): Buffer {
  const payload = Buffer.allocUnsafe(13);
  payload.writeUInt8(channel, 0);
  payload.writeBigUInt64LE(BigInt(offset), 1);
  payload.writeUInt32LE(length, 9);
  return payload;
}

/** Data without bytes would use no window, so they are refused. */
export function parseData(payload: Buffer): Data {
  if (payload.length <= DATA_HEADER_BYTES) throw shortFrame("data");
  return {
    channel: payload.readUInt8(0),
    offset: parseOffset(payload, 1),
    bytes: payload.subarray(DATA_HEADER_BYTES),
  };
}

/** The end of a channel. */
export function parseEof(payload: Buffer): Omit<Data, "bytes"> {
  if (payload.length !== DATA_HEADER_BYTES) throw shortFrame("eof");
  return { channel: payload.readUInt8(0), offset: parseOffset(payload, 1) };
}

export function buildWindow({ channel, acked, limit }: Window): Buffer {
  const payload = Buffer.allocUnsafe(17);
  payload.writeUInt8(channel, 0);
  payload.writeBigUInt64LE(BigInt(acked), 1);
  payload.writeBigUInt64LE(BigInt(limit), 9);
  return payload;
}

export function parseWindow(payload: Buffer): Window {
  if (payload.length !== 17) throw shortFrame("window");
  const window = { channel: payload.readUInt8(0), acked: parseOffset(payload, 1), limit: parseOffset(payload, 9) };
  if (window.limit < window.acked)
    throw new PyroError("AGENT_PROTOCOL", "The guest sent a window that moves backwards.");
  return window;
}

function parseOffset(payload: Buffer, at: number): number {
  const offset = payload.readBigUInt64LE(at);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new PyroError("AGENT_PROTOCOL", "The guest sent an offset that no stream can reach.");
  }
  return Number(offset);
}

function shortFrame(what: string): PyroError {
  return new PyroError("AGENT_PROTOCOL", `The guest sent a ${what} frame of the wrong length.`);
}
