import type { Duplex } from "./socket.js";
import {
  broken,
  buildHeader,
  buildWindow,
  FrameReader,
  frameType,
  parseWindow,
  streamChannel,
  type StreamFrame,
} from "./stream-frames.js";
import { Waiting } from "./waiting.js";

/** A new window is sent when the receiver has taken this many bytes, so that small pieces share one window. */
const GRANT_BYTES = 65_536;

export interface FrameStreamOptions {
  /** Bytes that arrived after the head of the HTTP request or answer. */
  readonly head: Buffer;
  /** Frame types that the other end may send. */
  readonly types: ReadonlySet<number>;
  /** The longest frame other than data that is read. */
  readonly maxMessageBytes: number;
}

interface ChannelWindow {
  sent: number;
  limit: number;
}

/**
 * Frames in both directions over one connection. Each channel has a window: a sender waits until the window allows more, and a slow
 * receiver holds at most what it has granted.
 */
export class FrameStream {
  readonly #socket: Duplex;
  readonly #reader: FrameReader;
  readonly #outgoing: readonly ChannelWindow[] = newWindows();
  readonly #incoming: readonly ChannelWindow[] = newWindows();
  readonly #owed: number[] = newWindows().map(() => 0);
  readonly #waiting = new Waiting();
  #isClosed = false;

  constructor(socket: Duplex, { head, types, maxMessageBytes }: FrameStreamOptions) {
    this.#socket = socket;
    this.#reader = new FrameReader(types, maxMessageBytes);
    if (head.length > 0) socket.unshift(head);
    socket.on("error", () => {});
    socket.on("drain", () => this.#waiting.wake());
    socket.on("close", () => {
      this.#isClosed = true;
      this.#waiting.wake();
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The frames from the other end, except windows, until it ends its side. Throws INVALID_ARGUMENT for a frame that breaks a rule. */
  async *frames(): AsyncGenerator<StreamFrame, void> {
    const chunks = this.#socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of chunks) {
      for (const frame of this.#reader.read(chunk)) {
        if (frame.type === frameType.window) this.#open(frame);
        else {
          if (frame.type === frameType.data) this.#count(frame);
          yield frame;
        }
      }
    }
  }

  /** Sends JSON; resolves when the connection can take more. */
  sendMessage(type: number, value: unknown): Promise<void> {
    const payload = Buffer.from(JSON.stringify(value));
    return this.#send(buildHeader(type, 0, payload.length), payload);
  }

  /** Sends bytes as the windows of the other end allow. Drops the rest when the connection or `signal` ends. */
  async sendData(channel: number, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (!(await this.waitForWindow(channel, signal))) return;
      const window = this.#outgoing[channel]!;
      const piece = bytes.subarray(at, at + window.limit - window.sent);
      at += piece.length;
      window.sent += piece.length;
      await this.#send(buildHeader(frameType.data, channel, piece.length), piece, signal);
    }
  }

  /** Sends the end of a channel. */
  sendEnd(channel: number): void {
    void this.#send(buildHeader(frameType.end, channel, 0), null);
  }

  /** Resolves to true when the other end takes bytes of a channel, to false when the connection or `signal` has ended. */
  async waitForWindow(channel: number, signal?: AbortSignal): Promise<boolean> {
    const window = this.#outgoing[channel]!;
    await this.#until(() => window.limit > window.sent, signal);
    return window.limit > window.sent && !this.#isClosed;
  }

  /** Lets the other end send this many bytes more. */
  grant(channel: number, bytes: number): void {
    this.#owed[channel]! += bytes;
    if (this.#owed[channel]! < GRANT_BYTES || this.#isClosed) return;
    const window = this.#incoming[channel]!;
    window.limit += this.#owed[channel]!;
    this.#owed[channel] = 0;
    this.#socket.write(buildWindow(channel, window.limit));
  }

  /** Ends this side of the connection; resolves when all of it was sent, or the connection has closed. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isClosed) return resolve();
      this.#socket.once("close", resolve);
      this.#socket.end(resolve);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  async #send(header: Buffer, payload: Uint8Array | null, signal?: AbortSignal): Promise<void> {
    if (this.#isClosed || this.#socket.writableEnded) return;
    this.#socket.cork();
    this.#socket.write(header);
    if (payload !== null && payload.length > 0) this.#socket.write(payload);
    this.#socket.uncork();
    if (this.#socket.writableNeedDrain) await this.#until(() => !this.#socket.writableNeedDrain, signal);
  }

  /** Waits for a condition, or until the connection or the signal ends. */
  async #until(condition: () => boolean, signal?: AbortSignal): Promise<void> {
    await this.#waiting.until(() => this.#isClosed || condition(), signal);
  }

  #open(frame: StreamFrame): void {
    const limit = parseWindow(frame);
    const window = this.#outgoing[frame.channel]!;
    if (limit < window.limit) throw broken("A window moves backwards.");
    window.limit = limit;
    this.#waiting.wake();
  }

  #count({ channel, payload }: StreamFrame): void {
    const window = this.#incoming[channel]!;
    window.sent += payload.length;
    if (window.sent > window.limit) throw broken(`Channel ${channel} has more bytes than its window.`);
  }
}

function newWindows(): ChannelWindow[] {
  return Object.values(streamChannel).map(() => ({ sent: 0, limit: 0 }));
}
