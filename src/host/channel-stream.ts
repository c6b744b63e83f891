import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";

import type { WebSocket } from "ws";

/** The channels of Kubernetes' exec, and the first two of a port. */
const INPUT = 0;
const OUTPUT = 1;
const MESSAGES = 2;
const STATUS = 3;

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
class EndedProgram extends Error {
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

/** A program's standard input and output, over the channels of a WebSocket. It has no half-close: an end is an end in both directions. */
export class ChannelStream extends Duplex {
  readonly #socket: WebSocket;
  readonly #timer: NodeJS.Timeout;
  #unanswered = 0;
  #status = "";
  #messages = "";

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
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
    const bytes = data.subarray(1);
    if (data[0] === OUTPUT && bytes.length > 0 && !this.push(bytes)) this.#socket.pause();
    if (data[0] === MESSAGES) this.#messages = `${this.#messages}${bytes}`.slice(-KEPT_BYTES);
    if (data[0] === STATUS) this.#status += bytes.toString();
  }

  #finish(): void {
    if (isSuccess(this.#status)) this.push(null);
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
