import { PyroError } from "../contract/errors.js";
import { limits } from "../contract/limits.js";
import type { OperationEvent } from "../contract/operation.js";
import { parseTerminalSize } from "../contract/terminal.js";
import { parseEndSignal, streamProtocol, type TraceEvent } from "../contract/wire.js";
import { FrameStream } from "../host/frame-stream.js";
import type { Socket } from "../host/socket.js";
import { callerFrames, broken, frameType, streamChannel, type StreamFrame } from "../host/stream-frames.js";
import type { CallerAsks, CallerHears, Sinks } from "./caller.js";

/** A caller whose connection was upgraded to a stream of frames (docs/stream.md). */
export class StreamCaller implements CallerAsks, CallerHears {
  readonly #stream: FrameStream;
  readonly #frames: AsyncGenerator<StreamFrame, void>;
  #isAnswered = false;

  constructor(socket: Socket, head: Buffer) {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${streamProtocol}\r\n\r\n`);
    this.#stream = new FrameStream(socket, { head, types: callerFrames, maxMessageBytes: limits.requestLineBytes });
    this.#frames = this.#stream.frames();
  }

  async readInput(): Promise<unknown> {
    const { value: frame } = await this.#frames.next().catch((error: unknown) => {
      throw gone(error);
    });
    if (!frame) throw gone();
    if (frame.type !== frameType.input) throw broken("The first frame is not the input.");
    return parseJson(frame);
  }

  async follow(sinks: Sinks): Promise<void> {
    try {
      for await (const frame of this.#frames) this.#take(frame, sinks);
      throw gone();
    } catch (error) {
      if (this.#isAnswered) return;
      const failure = gone(error);
      sinks.source?.fail(failure);
      if (failure.code !== "ABORTED") void this.sendError(failure);
      throw failure;
    }
  }

  async emit(event: OperationEvent | TraceEvent, signal: AbortSignal): Promise<void> {
    if (this.#isAnswered) return;
    if (event.event === "stdout" || event.event === "stderr") {
      return this.#stream.sendData(streamChannel[event.event], event.data, signal);
    }
    await this.#stream.sendMessage(frameType.event, event);
  }

  grant(what: "stdin" | "source", bytes: number): void {
    this.#stream.grant(streamChannel[what], bytes);
  }

  sendResult(result: unknown): Promise<void> {
    return this.#answer(frameType.result, result);
  }

  sendError(error: PyroError): Promise<void> {
    return this.#answer(frameType.error, error.toBody());
  }

  async #answer(type: number, value: unknown): Promise<void> {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    void this.#stream.sendMessage(type, value);
    await this.#stream.end();
  }

  #take(frame: StreamFrame, { stdin, source, cancel, resize }: Sinks): void {
    if (frame.type === frameType.cancel) return cancel(parseEndSignal(parseJson(frame)));
    if (frame.type === frameType.resize) return resize(parseTerminalSize(parseJson(frame)));
    const sink = { [streamChannel.stdin]: stdin, [streamChannel.source]: source }[frame.channel];
    const isBytes = frame.type === frameType.data || frame.type === frameType.end;
    if (!isBytes) throw broken("The input was sent twice.");
    if (!sink) throw broken(`This call takes nothing on channel ${frame.channel}.`);
    // The window has room for it, so there is nothing to wait for.
    if (frame.type === frameType.data) void sink.push(frame.payload);
    else sink.end();
  }
}

function parseJson({ payload }: StreamFrame): unknown {
  try {
    return JSON.parse(payload.toString("utf8"));
  } catch (error) {
    throw new PyroError("INVALID_ARGUMENT", "A frame that must be JSON is not JSON.", { cause: error });
  }
}

/** A connection that ended before the answer means that its client disconnected. A protocol error is kept. */
function gone(error?: unknown): PyroError {
  if (error instanceof PyroError) return error;
  return new PyroError("ABORTED", "The client disconnected.", { cause: error });
}
