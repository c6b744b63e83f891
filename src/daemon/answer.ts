import { errorKinds, type PyroError } from "../contract/errors.js";
import type { OperationEvent } from "../contract/operation.js";
import type { AnswerLine, TraceEvent } from "../contract/wire.js";
import { drained } from "../host/drained.js";
import type { ServerResponse } from "../host/http.js";
import type { CallerHears } from "./caller.js";

/**
 * The answer to one request. Before the first event it can still be plain JSON with its own status. With the first event it becomes
 * lines; the last line is the result or the error.
 */
export class Answer implements CallerHears {
  readonly #response: ServerResponse;
  readonly #streams: boolean;

  constructor(response: ServerResponse, streams: boolean) {
    this.#response = response;
    this.#streams = streams;
    response.on("error", () => {});
  }

  /** Sends an event; resolves when the caller can take more, has disconnected, or has cancelled. */
  async emit(event: OperationEvent | TraceEvent, signal: AbortSignal): Promise<void> {
    if (!this.#streams || this.#isGone()) return;
    if (this.#writeLine(toLine(event)) || signal.aborted) return;
    await drained(this.#response, signal);
  }

  /** No window for a source: its sender waits while the connection takes no more. */
  grant(what: "stdin" | "source", bytes: number): void {
    if (what === "stdin" && this.#streams && !this.#isGone()) this.#writeLine({ event: "stdin_credit", bytes });
  }

  /** Resolves when all of it was sent, or the caller has disconnected. */
  async sendResult(result: unknown): Promise<void> {
    if (this.#isGone()) return;
    if (this.#streams) this.#writeLine({ event: "result", result });
    else this.#writeJson(200, result);
    await this.#end();
  }

  async sendError(error: PyroError): Promise<void> {
    if (this.#isGone()) return;
    if (this.#response.headersSent) this.#writeLine({ event: "error", error: error.toBody() });
    else this.#writeJson(errorKinds[error.code].httpStatus, { error: error.toBody() });
    await this.#end();
  }

  #isGone(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  #writeLine(line: AnswerLine): boolean {
    if (!this.#response.headersSent) this.#response.writeHead(200, { "content-type": "application/x-ndjson" });
    return this.#response.write(`${JSON.stringify(line)}\n`);
  }

  #writeJson(status: number, body: unknown): void {
    const text = `${JSON.stringify(body)}\n`;
    this.#response.writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(text),
    });
    this.#response.write(text);
  }

  #end(): Promise<void> {
    return new Promise((resolve) => {
      this.#response.once("close", resolve);
      this.#response.end(resolve);
    });
  }
}

function toLine(event: OperationEvent | TraceEvent): AnswerLine {
  if (event.event !== "stdout" && event.event !== "stderr") return event;
  return { event: event.event, data: Buffer.from(event.data).toString("base64") };
}
