import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { OperationEvent } from "../../contract/operation.js";
import { streamProtocol, traceHeader, versionHeader } from "../../contract/wire.js";
import { drained } from "../../host/drained.js";
import type { IncomingMessage } from "../../host/http.js";
import type { Duplex } from "../../host/socket.js";
import {
  callerFrames,
  daemonFrames,
  broken,
  buildHeader,
  FrameReader,
  frameType,
  type StreamFrame,
} from "../../host/stream-frames.js";
import type { Fields } from "../kubernetes/pod-spec.js";

const HEADER_BYTES = 8;

/** Sees the answer of a daemon before the client does. */
export interface Watcher {
  /** Returns what the client gets; an error that it throws is the client's answer. */
  readonly onResult: (result: unknown) => Promise<unknown>;
  readonly onError?: () => Promise<void>;
}

/** A call of a client: the bridge answers it, or hands it over to a daemon. */
export class BridgeCall {
  readonly headers: Readonly<Record<string, string>>;
  readonly #socket: Duplex;
  readonly #cancelling = new AbortController();
  readonly #input: Promise<Fields>;
  /** All that the client has sent, while no daemon has the call. */
  #sent = Buffer.alloc(0);
  #inputBytes = 0;
  readonly #collect: (chunk: Buffer) => void;

  constructor(request: IncomingMessage, socket: Duplex, head: Buffer) {
    this.headers = pickHeaders(request);
    this.#socket = socket;
    socket.on("error", () => {});
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${streamProtocol}\r\n\r\n`);
    const reader = new FrameReader(callerFrames, limits.requestLineBytes);
    let take = (_frame: StreamFrame) => {};
    let fail = (_error: unknown) => {};
    this.#input = new Promise((resolve, reject) => {
      take = ({ type, payload }) => {
        if (type !== frameType.input) return reject(broken("The first frame is not the input."));
        this.#inputBytes = HEADER_BYTES + payload.length;
        take = (frame) => void (frame.type === frameType.cancel && this.#cancelling.abort(cancelled()));
        resolve(parse(payload) as Fields);
      };
      fail = reject;
    });
    this.#input.catch(() => {});
    this.#collect = (chunk) => {
      this.#sent = Buffer.concat([this.#sent, chunk]);
      try {
        for (const frame of reader.read(chunk)) take(frame);
      } catch (error) {
        fail(error);
        this.#cancelling.abort(error);
      }
    };
    // A client that leaves closes both directions; of that, only the end is seen.
    socket.once("end", () => socket.destroy());
    socket.once("close", () => {
      fail(cancelled());
      this.#cancelling.abort(cancelled());
    });
    if (head.length > 0) this.#collect(head);
    socket.on("data", this.#collect);
  }

  /** Aborted when the client cancels or leaves. */
  get signal(): AbortSignal {
    return this.#cancelling.signal;
  }

  readInput(): Promise<Fields> {
    return this.#input;
  }

  /** Resolves when the client has gone. */
  whenClosed(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#socket.destroyed) resolve();
      else this.#socket.once("close", resolve);
    });
  }

  emit(event: OperationEvent): void {
    this.#send(frameType.event, event);
  }

  answer(result: unknown): void {
    this.#send(frameType.result, result);
    this.#socket.end();
  }

  refuse(error: unknown): void {
    this.#send(frameType.error, PyroError.from(error).toBody());
    this.#socket.end();
  }

  /**
   * Gives the call to a daemon, with this input, and carries bytes until one of the two has ended. With a watcher the frames are read, and it sees
   * the answer first.
   */
  async handOver(daemon: Duplex, head: Buffer, input: Fields, watcher: Watcher | null): Promise<void> {
    const payload = Buffer.from(JSON.stringify(input));
    this.#socket.off("data", this.#collect);
    daemon.on("error", () => this.#socket.destroy());
    daemon.write(Buffer.concat([buildHeader(frameType.input, 0, payload.length), payload]));
    if (this.#sent.length > this.#inputBytes) daemon.write(this.#sent.subarray(this.#inputBytes));
    this.#sent = Buffer.alloc(0);
    if (head.length > 0) daemon.unshift(head);
    this.#socket.pipe(daemon, { end: false });
    const carried = watcher === null ? this.#carry(daemon) : this.#carryFrames(daemon, watcher);
    await Promise.race([this.whenClosed(), carried.catch(() => this.#socket.destroy())]);
    daemon.destroy();
    this.#socket.end();
  }

  /** Passes everything on, unread. */
  async #carry(daemon: Duplex): Promise<void> {
    daemon.pipe(this.#socket, { end: false });
    await new Promise<void>((resolve) => {
      daemon.once("end", resolve);
      daemon.once("close", resolve);
    });
  }

  async #carryFrames(daemon: Duplex, { onResult, onError }: Watcher): Promise<void> {
    const reader = new FrameReader(daemonFrames, Infinity);
    for await (const chunk of daemon as AsyncIterable<Buffer>) {
      for (const { type, channel, payload } of reader.read(chunk)) {
        if (type === frameType.error) await onError?.();
        if (type !== frameType.result) {
          await this.#write(buildHeader(type, channel, payload.length), payload);
          if (type === frameType.error) return;
          continue;
        }
        const shown = await onResult(parse(payload)).then(
          (result) => () => this.#send(frameType.result, result),
          (error: unknown) => () => this.#send(frameType.error, PyroError.from(error).toBody()),
        );
        // The last frame: the relay there waits for this end to close.
        return shown();
      }
    }
  }

  async #write(header: Buffer, payload: Buffer): Promise<void> {
    this.#socket.cork();
    this.#socket.write(header);
    this.#socket.write(payload);
    this.#socket.uncork();
    if (this.#socket.writableNeedDrain) await drained(this.#socket);
  }

  #send(type: number, value: unknown): void {
    if (this.#socket.destroyed) return;
    const payload = Buffer.from(JSON.stringify(value));
    this.#socket.write(Buffer.concat([buildHeader(type, 0, payload.length), payload]));
  }
}

function pickHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    [versionHeader, traceHeader].flatMap((name) => {
      const value = headers[name];
      return typeof value === "string" ? [[name, value]] : [];
    }),
  );
}

function parse(payload: Buffer): unknown {
  return JSON.parse(payload.toString("utf8"));
}

function cancelled(): PyroError {
  return new PyroError("ABORTED", "The call was cancelled.");
}
