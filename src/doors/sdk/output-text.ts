import type { OperationEvent } from "../../contract/operation.js";
import type { OutputChunk } from "./call-options.js";

type Stream = OutputChunk["stream"];

/** Makes chunks of the events of a command, each stream decoded as one text. */
export class OutputText {
  readonly #emit: (chunk: OutputChunk) => Promise<void>;
  readonly #decoders = { stdout: newDecoder(), stderr: newDecoder() };
  readonly #omittedBytes = { stdout: 0, stderr: 0 };

  constructor(emit: (chunk: OutputChunk) => Promise<void>) {
    this.#emit = emit;
  }

  async add(event: OperationEvent): Promise<void> {
    if (event.event === "gap") this.#omittedBytes[event.stream] += event.bytes;
    if (event.event !== "stdout" && event.event !== "stderr") return;
    await this.#send(event.event, event.data, this.#decoders[event.event].decode(event.data, { stream: true }));
  }

  /** Sends the rest of both streams: an incomplete character, or a gap. */
  async end(): Promise<void> {
    for (const stream of ["stdout", "stderr"] as const) {
      const text = this.#decoders[stream].decode();
      if (text !== "" || this.#omittedBytes[stream] > 0) await this.#send(stream, new Uint8Array(), text);
    }
  }

  async #send(stream: Stream, data: Uint8Array, text: string): Promise<void> {
    const omittedBytes = this.#omittedBytes[stream];
    this.#omittedBytes[stream] = 0;
    await this.#emit({ stream, data, text, omittedBytes });
  }
}

function newDecoder() {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}
