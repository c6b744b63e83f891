import { drained } from "../../host/drained.js";
import type { ServerResponse } from "../../host/http.js";
import { bodyOf, MAX_RPC_BYTES, parseObject, readBody, Refusal, sendJson, type Exchange } from "./answer.js";

const statuses = {
  canceled: 499,
  unknown: 500,
  invalid_argument: 400,
  deadline_exceeded: 504,
  not_found: 404,
  already_exists: 409,
  permission_denied: 403,
  resource_exhausted: 429,
  failed_precondition: 400,
  unimplemented: 501,
  internal: 500,
  unavailable: 503,
  unauthenticated: 401,
} as const;

export type ConnectCode = keyof typeof statuses;

/** A call of Connect that fails. */
export class ConnectError extends Error {
  readonly code: ConnectCode;

  constructor(code: ConnectCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The message that answers a call; undefined when the call has answered itself. */
export type Reply = object | undefined;

export type Message = Readonly<Record<string, unknown>>;

/** The most bytes of a stream that wait for its client. */
const MAX_WAITING_BYTES = 16_777_216;
const HEAD_BYTES = 5;
const END_FLAG = 2;
const COMPRESSED_FLAG = 1;

/** The message of a unary call. */
export async function readMessage({ request }: Exchange): Promise<Message> {
  assertType(request.headers["content-type"], "application/json");
  const text = (await readRpcBody(request)).toString("utf8");
  return parseMessage(text);
}

/** The one message of a call that is answered with a stream. */
export async function readEnvelope({ request }: Exchange): Promise<Message> {
  assertType(request.headers["content-type"], "application/connect+json");
  const [message] = parseEnvelopes(await readRpcBody(request));
  return message ?? {};
}

/** The messages of a stream of the client, each as soon as it has arrived. */
export async function* readEnvelopes({ request }: Exchange): AsyncGenerator<Message> {
  assertType(request.headers["content-type"], "application/connect+json");
  let rest = Buffer.alloc(0);
  for await (const piece of bodyOf(request)) {
    rest = Buffer.concat([rest, piece]);
    for (let size = wholeSize(rest); size !== null; size = wholeSize(rest)) {
      yield* parseEnvelopes(rest.subarray(0, size));
      rest = rest.subarray(size);
    }
  }
}

/** The bytes of the first envelope with its head; null when it has not arrived whole. */
function wholeSize(bytes: Buffer): number | null {
  if (bytes.length < HEAD_BYTES) return null;
  const size = HEAD_BYTES + bytes.readUInt32BE(1);
  if (size > MAX_RPC_BYTES) throw tooLong();
  return bytes.length < size ? null : size;
}

function parseEnvelopes(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = wholeSize(bytes.subarray(at));
    if (size === null) throw new ConnectError("invalid_argument", "incomplete envelope");
    const flags = bytes[at] ?? 0;
    if ((flags & COMPRESSED_FLAG) !== 0)
      throw new ConnectError("unimplemented", "compressed envelopes are not supported");
    const body = bytes.subarray(at + HEAD_BYTES, at + size);
    if ((flags & END_FLAG) === 0) messages.push(parseMessage(body.toString("utf8")));
    at += size;
  }
  return messages;
}

async function readRpcBody(request: Exchange["request"]): Promise<Buffer> {
  const { "content-encoding": coding = "identity" } = request.headers;
  if (coding !== "identity") throw new ConnectError("unimplemented", `compression ${coding} is not supported`);
  try {
    return await readBody(request, MAX_RPC_BYTES);
  } catch (error) {
    if (error instanceof Refusal) throw tooLong();
    throw error;
  }
}

function tooLong(): ConnectError {
  return new ConnectError("resource_exhausted", `message is larger than ${MAX_RPC_BYTES} bytes`);
}

function assertType(given: string | undefined, wanted: string): void {
  if (given?.split(";")[0]?.trim().toLowerCase() === wanted) return;
  throw new Refusal(415, `The content type must be ${wanted}.`);
}

function parseMessage(text: string): Message {
  const message = text.trim() === "" ? {} : parseObject(text);
  if (message === null) throw new ConnectError("invalid_argument", "the message is not a JSON object");
  return message;
}

/** Answers a unary call that failed. */
export function sendConnectError(response: ServerResponse, { code, message }: ConnectError): void {
  sendJson(response, statuses[code], { code, message });
}

/** The answer to a call, as a stream of messages. */
export class MessageStream {
  readonly #response: ServerResponse;
  #isEnded = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Resolves when the client takes more, or is gone. Ends the stream of a client that does not read. */
  async send(message: unknown): Promise<void> {
    if (this.#isEnded || this.#response.destroyed) return;
    if (this.#response.writableLength > MAX_WAITING_BYTES) {
      return this.end(new ConnectError("resource_exhausted", "the client does not read its stream"));
    }
    if (!this.#response.headersSent) this.#response.writeHead(200, { "content-type": "application/connect+json" });
    if (this.#response.write(envelope(0, message))) return;
    await drained(this.#response);
  }

  end(error: ConnectError | null = null): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    if (this.#response.destroyed) return;
    if (!this.#response.headersSent) this.#response.writeHead(200, { "content-type": "application/connect+json" });
    const body = error === null ? {} : { error: { code: error.code, message: error.message } };
    this.#response.end(envelope(END_FLAG, body));
  }
}

function envelope(flags: number, message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}
