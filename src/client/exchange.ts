import { PyroError, type ErrorBody } from "../contract/errors.js";
import type { OperationEvent } from "../contract/operation.js";
import { streamProtocol, type EndSignal, type Stage, type TraceEvent } from "../contract/wire.js";
import { FrameStream } from "../host/frame-stream.js";
import { openUpgrade, type IncomingMessage } from "../host/http.js";
import { readLines } from "../host/lines.js";
import type { Duplex } from "../host/socket.js";
import { daemonFrames, frameType, streamChannel, type StreamFrame } from "../host/stream-frames.js";
import type { ClientTerminal } from "./terminal.js";

export interface ExchangeOptions {
  /** Opens a byte stream to the daemon. */
  readonly connect: () => Duplex;
  readonly route: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly input: unknown;
  /** Null when the operation takes no standard input, or the caller gives none. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  readonly takesStdin: boolean;
  /** The archive after the input; null without a source. */
  readonly source: AsyncIterable<Uint8Array> | null;
  readonly signal: AbortSignal | undefined;
  readonly killSignal: AbortSignal | undefined;
  readonly endSignal: (() => EndSignal) | undefined;
  readonly detachSignal?: AbortSignal | undefined;
  readonly terminal?: ClientTerminal | undefined;
  /** Called when the daemon has taken the request. */
  readonly onOpen?: (() => void) | undefined;
  /** Gets the stages of the daemon's time. */
  readonly onTrace?: ((stages: readonly Stage[]) => void) | undefined;
  readonly onEvent: ((event: OperationEvent) => void | Promise<void>) | undefined;
}

/** Output that the daemon may have sent and `onEvent` has not taken, for each stream. */
const OUTPUT_WINDOW_BYTES = 1_048_576;

/** One request and its answer, over its own stream. Throws the daemon's error, or the socket's error when no daemon answers. */
export async function exchange(options: ExchangeOptions): Promise<unknown> {
  const opened = await openStream(options);
  if ("answer" in opened) return opened.answer;
  const { socket, head } = opened;
  const stream = new FrameStream(socket, { head, types: daemonFrames, maxMessageBytes: Infinity });
  let failure: PyroError | null = null;
  /** Leaves the source without an end: that is how the daemon knows that nothing of it may be kept. */
  const fail = (error: unknown) => {
    failure ??= PyroError.from(error);
    stream.close();
  };
  const cancel = () => void stream.sendMessage(frameType.cancel, { signal: options.endSignal?.() ?? "INT" });
  const detach = () => fail(new PyroError("ABORTED", "The client disconnected; the command keeps running."));
  const send = async () => {
    if (options.source !== null) await sendAll(stream, streamChannel.source, options.source).catch(fail);
    if (options.takesStdin) await sendAll(stream, streamChannel.stdin, options.stdin).catch(cancel);
  };
  const signals = [options.signal, options.killSignal];
  const forgetSize = options.terminal?.onResize((size) => void stream.sendMessage(frameType.resize, size));
  try {
    void stream.sendMessage(frameType.input, options.input);
    void send();
    for (const each of signals) {
      each?.addEventListener("abort", cancel);
      if (each?.aborted) cancel();
    }
    options.detachSignal?.addEventListener("abort", detach);
    if (options.detachSignal?.aborted) detach();
    return await readAnswer(stream, options);
  } catch (error) {
    throw failure ?? error;
  } finally {
    for (const each of signals) each?.removeEventListener("abort", cancel);
    options.detachSignal?.removeEventListener("abort", detach);
    forgetSize?.();
    stream.close();
  }
}

type Opened = { readonly socket: Duplex; readonly head: Buffer } | { readonly answer: unknown };

/** Requests an upgrade to a stream. A daemon that refuses, or lacks streams, answers in plain HTTP. */
async function openStream({ connect, route, headers, onOpen }: ExchangeOptions): Promise<Opened> {
  const request = openUpgrade(connect, route, { ...headers, upgrade: streamProtocol });
  return new Promise((resolve, reject) => {
    request.once("upgrade", (_response, socket: Duplex, head: Buffer) => {
      onOpen?.();
      resolve({ socket, head });
    });
    request.once("response", (response) => readPlain(response).then((answer) => resolve({ answer }), reject));
    request.on("error", (error) => reject(Object.assign(error, { isUnopened: true })));
    request.end();
  });
}

/** True for the error of an exchange whose connection was not upgraded: its input was not sent. */
export function isUnopened(error: unknown): boolean {
  return error instanceof Error && "isUnopened" in error;
}

async function readPlain(response: IncomingMessage): Promise<unknown> {
  const { value } = await readLines(response, Infinity).next();
  const body = JSON.parse(value ?? "null") as unknown;
  if (response.statusCode !== 200) throw PyroError.fromBody((body as { error: ErrorBody }).error);
  return body;
}

/** Sends all of a source, then its end. Reads nothing before the daemon has room: a caller that tries again needs it whole. */
async function sendAll(stream: FrameStream, channel: number, source: AsyncIterable<Uint8Array> | null): Promise<void> {
  if (source !== null) {
    if (!(await stream.waitForWindow(channel))) return;
    for await (const chunk of source) {
      await stream.sendData(channel, chunk);
      if (stream.isClosed) return;
    }
  }
  stream.sendEnd(channel);
}

async function readAnswer(
  stream: FrameStream,
  { onEvent, onTrace }: Pick<ExchangeOptions, "onEvent" | "onTrace">,
): Promise<unknown> {
  let delivered = Promise.resolve();
  const deliver = (event: OperationEvent, taken = () => {}) => {
    delivered = delivered.then(() => onEvent?.(event)).then(taken);
    delivered.catch(() => stream.close());
  };
  stream.grant(streamChannel.stdout, OUTPUT_WINDOW_BYTES);
  stream.grant(streamChannel.stderr, OUTPUT_WINDOW_BYTES);
  try {
    for await (const { type, channel, payload } of stream.frames()) {
      if (type === frameType.data) {
        const event = channel === streamChannel.stdout ? "stdout" : "stderr";
        deliver({ event, data: payload }, () => stream.grant(channel, payload.length));
      } else if (type === frameType.event) {
        const event = parse(payload) as OperationEvent | TraceEvent;
        if (event.event === "trace") onTrace?.(event.stages);
        else deliver(event);
      } else {
        await delivered;
        if (type === frameType.error) throw PyroError.fromBody(parse(payload) as ErrorBody);
        return parse(payload);
      }
    }
  } catch (error) {
    await delivered;
    if (error instanceof PyroError) throw error;
  }
  await delivered;
  throw Object.assign(new Error("the answer ended without a result"), { code: "ECONNRESET" });
}

function parse(payload: StreamFrame["payload"]): unknown {
  return JSON.parse(payload.toString("utf8"));
}
