import {
  INVALID_REQUEST,
  PARSE_ERROR,
  parseJSONRPCMessage,
  serializeMessage,
  type JSONRPCMessage,
  type Transport,
} from "@modelcontextprotocol/server";

/** Maximum length of a message; a longer one is skipped and answered with an error. */
const MAX_LINE_BYTES = 16_777_216;
const NEWLINE = 10;

/**
 * MCP on standard input and output: one JSON-RPC message per line. Unlike the SDK's transport it answers an invalid
 * line with an error, as JSON-RPC requires, and continues after a line that is too long.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: NonNullable<Transport["onmessage"]>;
  /** Resolves when either end has closed it. */
  readonly closed: Promise<void>;
  readonly #input: NodeJS.ReadableStream;
  readonly #output: NodeJS.WritableStream;
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  #isPassingOver = false;
  #isClosed = false;
  #resolveClosed = () => {};

  constructor(input: NodeJS.ReadableStream, output: NodeJS.WritableStream) {
    this.#input = input;
    this.#output = output;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }

  async start(): Promise<void> {
    this.#input.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#input.on("end", () => void this.close());
    this.#input.on("error", (error: Error) => this.#fail(error));
    // A failed write means that the client has disconnected.
    this.#output.on("error", (error: Error) => this.#fail(error));
  }

  /** Resolves when the stream accepts more. */
  send(message: JSONRPCMessage): Promise<void> {
    if (this.#isClosed) return Promise.reject(new Error("The client has disconnected."));
    return new Promise((resolve) => {
      this.#output.write(serializeMessage(message), () => resolve());
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#input.pause();
    this.onclose?.();
    this.#resolveClosed();
  }

  #fail(error: Error): void {
    if (this.#isClosed) return;
    this.onerror?.(error);
    void this.close();
  }

  #take(chunk: Buffer): void {
    let rest = chunk;
    for (let end = rest.indexOf(NEWLINE); end !== -1 && !this.#isClosed; end = rest.indexOf(NEWLINE)) {
      this.#keep(rest.subarray(0, end));
      this.#finishLine();
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) this.#keep(rest);
  }

  #keep(piece: Buffer): void {
    if (this.#isPassingOver) return;
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
    if (this.#pieceBytes <= MAX_LINE_BYTES) return;
    this.#isPassingOver = true;
    this.#clear();
    this.#refuse(INVALID_REQUEST, `The message is longer than ${MAX_LINE_BYTES} bytes.`);
  }

  #finishLine(): void {
    const line = Buffer.concat(this.#pieces).toString("utf8").trim();
    this.#clear();
    const isPassedOver = this.#isPassingOver;
    this.#isPassingOver = false;
    if (line !== "" && !isPassedOver) this.#receive(line);
  }

  #receive(line: string): void {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return this.#refuse(PARSE_ERROR, "The line is not JSON. Send each message as one line of JSON.");
    }
    let message: JSONRPCMessage;
    try {
      message = parseJSONRPCMessage(value);
    } catch {
      return this.#refuse(INVALID_REQUEST, "The line is not a JSON-RPC 2.0 message.", idOf(value));
    }
    this.onmessage?.(message);
  }

  #refuse(code: number, message: string, id?: string | number): void {
    this.onerror?.(new Error(message));
    const error = { jsonrpc: "2.0" as const, ...(id === undefined ? {} : { id }), error: { code, message } };
    this.send(error).catch(() => {});
  }

  #clear(): void {
    this.#pieces = [];
    this.#pieceBytes = 0;
  }
}

function idOf(value: unknown): string | number | undefined {
  const id = typeof value === "object" && value !== null && "id" in value ? value.id : undefined;
  return typeof id === "string" || typeof id === "number" ? id : undefined;
}
