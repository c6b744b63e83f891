import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";

import type { WebSocket } from "ws";

/** The channels of a stream of Kubernetes, by their numbers. The first one of what is sent is always 0. */
interface Channels {
  readonly output: number;
  readonly messages: number;
  /** Null for a stream that ends without a status. */
  readonly status: number | null;
  /** The bytes at the begin of each channel that are not content. */
  readonly introductionBytes: number;
}

const INPUT = 0;
/** A program's standard output and error. */
export const execChannels: Channels = { output: 1, messages: 2, status: 3, introductionBytes: 0 };
/** The connection to a port; both channels begin with its number. */
export const portChannels: Channels = { output: 0, messages: 1, status: null, introductionBytes: 2 };

const PIECE_BYTES = 65_536;
const KEPT_BYTES = 4_096;
const MAX_REFUSAL_BYTES = 65_536;
/** A connection that answers nothing for three of these has broken. */
const PING_MS = 15_000;
const MAX_UNANSWERED = 3;

/** The server's answer instead of a WebSocket. */
export class RefusedSocket extends Error {
  readonly status: number;
  readonly text: string;

  constructor(status: number, text: string) {
    super(`the server answered with status ${status}`);
    this.status = status;
    this.text = text;
  }
}

/** The program at the other end has ended in another way than with its output. */
export class EndedProgram extends Error {
  /** The status object of Kubernetes, as text; "" when the connection broke before. */
  readonly status: string;
  /** The end of its standard error. */
  readonly messages: string;

  constructor(status: string, messages: string) {
    super(messages || status || "the connection ended");
    this.status = status;
    this.messages = messages;
    Object.assign(this, { code: "ECONNRESET" });
  }
}

/** A program's standard input and output, or a connection to a port, over channels of a WebSocket. An end is an end in both directions. */
export class ChannelStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #channels: Channels;
  readonly #introduced = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  #unanswered = 0;
  #hasOutput = false;
  #status = "";
  #messages = "";

  constructor(socket: WebSocket, channels: Channels) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#channels = channels;
    this.#timer = setInterval(() => this.#ping(), PING_MS).unref();
    socket.on("open", () => this.emit("connect"));
    socket.on("message", (data: Buffer) => this.#receive(data));
    socket.on("pong", () => (this.#unanswered = 0));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.#finish());
    socket.on("unexpected-response", (_request, response: IncomingMessage) => void this.#refuse(response));
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#socket.readyState === this.#socket.CONNECTING) {
      this.#socket.once("open", () => this._write(chunk, _encoding, done));
      return;
    }
    // The other end has closed: what it has sent may still be unread.
    if (this.#socket.readyState !== this.#socket.OPEN) return done();
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      const piece = Buffer.concat([Buffer.of(INPUT), chunk.subarray(at, at + PIECE_BYTES)]);
      const isLast = at + PIECE_BYTES >= chunk.length;
      this.#socket.send(piece, isLast ? (error) => done(error ?? null) : undefined);
    }
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _final(done: () => void): void {
    this.#socket.close();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.#timer);
    this.#socket.terminate();
    done(error);
  }

  #receive(data: Buffer): void {
    this.#unanswered = 0;
    const [channel = -1] = data;
    const bytes = this.#skipIntroduction(channel, data.subarray(1));
    if (bytes.length === 0) return;
    const { output, messages, status } = this.#channels;
    if (channel === output) {
      this.#hasOutput = true;
      if (!this.push(bytes)) this.#socket.pause();
    }
    if (channel === messages) this.#messages = `${this.#messages}${bytes.toString()}`.slice(-KEPT_BYTES);
    if (channel === status) this.#status += bytes.toString();
  }

  #skipIntroduction(channel: number, bytes: Buffer): Buffer {
    const seen = this.#introduced.get(channel) ?? 0;
    const skipped = Math.min(this.#channels.introductionBytes - seen, bytes.length);
    if (skipped > 0) this.#introduced.set(channel, seen + skipped);
    return bytes.subarray(skipped);
  }

  #finish(): void {
    const isGood = this.#channels.status === null ? this.#messages === "" : isSuccess(this.#status);
    // The bytes that were received must still be read; the protocol in them marks its own end.
    if (isGood || this.#hasOutput) this.push(null);
    else this.destroy(new EndedProgram(this.#status, this.#messages.trim()));
  }

  async #refuse(response: IncomingMessage): Promise<void> {
    let text = "";
    try {
      for await (const chunk of response) {
        text += String(chunk);
        if (text.length > MAX_REFUSAL_BYTES) break;
      }
    } catch {
      // The status says enough.
    }
    this.destroy(new RefusedSocket(response.statusCode ?? 0, text));
  }

  #ping(): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#unanswered === MAX_UNANSWERED) {
      this.destroy(Object.assign(new Error("the connection answers nothing"), { code: "ECONNRESET" }));
      return;
    }
    this.#unanswered += 1;
    this.#socket.ping();
  }
}

function isSuccess(status: string): boolean {
  try {
    return (JSON.parse(status) as { status?: string }).status === "Success";
  } catch {
    return false;
  }
}
