import { PyroError } from "../contract/errors.js";
import { frameType } from "./messages.js";

/** Frames of the guest protocol as bytes (protocol/PROTOCOL.md §1, §2). Pure: no sockets here. */

export const MAX_PAYLOAD_BYTES = 65_536;
const HEADER_BYTES = 12;
const TAG_BYTES = 4;
/** Exactly the longest frame, so that no half-read frame can swallow what follows. */
const PAD_BYTES = HEADER_BYTES + MAX_PAYLOAD_BYTES + TAG_BYTES;
const SYNC_MAGIC = Buffer.from("\x89PYROSYNC\r\n\x1a\n\x00\x01\xff", "latin1");
const BACK_MAGIC = Buffer.from("\x89PYROBACK\r\n\x1a\n\x00\x01\xff", "latin1");

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(frameType));

/** The host's side of a new session: padding that ends whatever was half read, magic, nonce. */
export function buildSync(nonce: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(PAD_BYTES), SYNC_MAGIC, nonce]);
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
 * Turns what the agent sends into frames. Ignores everything before the answer to `nonce`;
 * after it, a broken frame throws AGENT_PROTOCOL, and the connection is of no more use.
 */
export class FrameParser {
  #pending: Buffer = Buffer.alloc(0);
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

  push(chunk: Buffer): Frame[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    if (!this.#synced && !this.#hunt()) return [];
    const frames: Frame[] = [];
    let start = 0;
    for (;;) {
      const frame = this.#parseAt(start);
      if (frame === null) break;
      frames.push(frame);
      start += HEADER_BYTES + frame.payload.length + TAG_BYTES;
    }
    this.#pending = this.#pending.subarray(start);
    return frames;
  }

  #hunt(): boolean {
    const at = this.#pending.indexOf(this.#marker);
    if (at < 0) {
      this.#pending = this.#pending.subarray(Math.max(0, this.#pending.length - this.#marker.length + 1));
      return false;
    }
    this.#pending = this.#pending.subarray(at + this.#marker.length);
    this.#synced = true;
    return true;
  }

  #parseAt(start: number): Frame | null {
    const bytes = this.#pending;
    if (bytes.length - start < HEADER_BYTES) return null;
    const length = bytes.readUInt32LE(start);
    const type = bytes.readUInt32LE(start + 8);
    if (length > MAX_PAYLOAD_BYTES || !KNOWN_TYPES.has(type)) {
      throw new PyroError("AGENT_PROTOCOL", "The guest sent a broken frame.", { details: { length, type } });
    }
    const end = start + HEADER_BYTES + length;
    if (bytes.length < end + TAG_BYTES) return null;
    if (bytes.compare(this.#tag, 0, TAG_BYTES, end, end + TAG_BYTES) !== 0) {
      throw new PyroError("AGENT_PROTOCOL", "The guest sent a frame of another session.");
    }
    return { type, stream: bytes.readUInt32LE(start + 4), payload: bytes.subarray(start + HEADER_BYTES, end) };
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

/** Bytes of one channel that lie in the mailbox. */
export interface Mail {
  readonly channel: number;
  readonly offset: number;
  /** Where in the mailbox. */
  readonly at: number;
  readonly length: number;
}

export function buildMail({ channel, offset, at, length }: Mail): Buffer {
  const payload = Buffer.allocUnsafe(21);
  payload.writeUInt8(channel, 0);
  payload.writeBigUInt64LE(BigInt(offset), 1);
  payload.writeBigUInt64LE(BigInt(at), 9);
  payload.writeUInt32LE(length, 17);
  return payload;
}

/** Also parses `eof`, whose payload is data without bytes. */
export function parseData(payload: Buffer): Data {
  if (payload.length < DATA_HEADER_BYTES) throw shortFrame("data");
  return {
    channel: payload.readUInt8(0),
    offset: parseOffset(payload, 1),
    bytes: payload.subarray(DATA_HEADER_BYTES),
  };
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
  if (window.limit < window.acked) throw new PyroError("AGENT_PROTOCOL", "The guest sent a window that goes back.");
  return window;
}

function parseOffset(payload: Buffer, at: number): number {
  const offset = payload.readBigUInt64LE(at);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new PyroError("AGENT_PROTOCOL", "The guest sent an offset beyond every stream.");
  }
  return Number(offset);
}

function shortFrame(what: string): PyroError {
  return new PyroError("AGENT_PROTOCOL", `The guest sent a ${what} frame of the wrong length.`);
}
