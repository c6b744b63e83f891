import { PyroError } from "../../contract/errors.js";
import type { IncomingMessage, ServerResponse } from "../../host/http.js";

/** A request that is answered with a status and a message for its caller. */
export class Refusal extends Error {
  readonly status: number;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(status: number, message: string, fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

/** The answer for a sandbox that is gone, or paused and not to be resumed by a request. */
export function notFound(id: string): Refusal {
  return new Refusal(502, "The sandbox was not found", { sandboxId: id });
}

/** A request with its URL parsed, and the answer to it. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The longest body of a control call, and of a call of a sandbox's processes and files. */
const MAX_CONTROL_BYTES = 1_048_576;
export const MAX_RPC_BYTES = 16_777_216;

/** The most of a body that is read and dropped after its answer, and how long that lasts. */
const MAX_DISCARDED_BYTES = 67_108_864;
const DISCARD_MS = 10_000;

/** Answers with JSON; the status of an error is repeated in its body, because SDKs read it there. */
export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { "content-type": "application/json", "content-length": bytes.length });
  response.end(bytes);
}

/** Answers without a body. */
export function sendEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 204 ? {} : { "content-length": 0 });
  response.end();
}

/** Answers a request that failed. Once its headers are sent, only cutting the connection is left. */
export function sendFailure(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const { status, message, fields } = asRefusal(error);
  sendJson(response, status, { code: status, message, ...fields });
}

/** The status that an error of pyro has for a client of E2B. */
function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  const { code, message } = PyroError.from(error);
  if (code === "INVALID_ARGUMENT") return new Refusal(400, message);
  if (code === "NOT_FOUND" || code === "ENVIRONMENT_UNKNOWN") return new Refusal(404, message);
  if (code === "ALREADY_EXISTS" || code === "FAILED_PRECONDITION") return new Refusal(409, message);
  if (code === "RESOURCE_EXHAUSTED" || code === "DISK_FULL" || code === "DAEMON_UNREACHABLE")
    return new Refusal(503, message);
  return new Refusal(500, message);
}

/** The pieces of a body. A reader may stop early: the connection stays, for the answer. */
export function bodyOf(request: IncomingMessage): AsyncIterable<Buffer> {
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

/**
 * Reads and drops the rest of a body after its answer: many clients write all of it before they read. Cuts the connection of one that
 * does not end soon.
 */
export function discardRest(request: IncomingMessage): void {
  if (request.readableEnded || request.destroyed) return;
  let leftBytes = MAX_DISCARDED_BYTES;
  const cut = () => void request.socket.destroy();
  const timer = setTimeout(cut, DISCARD_MS).unref();
  for (const event of ["end", "close"]) request.once(event, () => clearTimeout(timer));
  request.unpipe();
  request.removeAllListeners("readable");
  request.on("data", (piece: Buffer) => {
    leftBytes -= piece.length;
    if (leftBytes < 0) cut();
  });
  request.resume();
}

/** The whole body. Throws 413 when it is longer than the limit. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of bodyOf(request)) {
    length += piece.length;
    if (length > maxBytes) throw new Refusal(413, `The body is longer than ${maxBytes} bytes.`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The body as a JSON object; an empty body is an empty object. Throws 400. */
export async function readJsonBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const text = (await readBody(request, MAX_CONTROL_BYTES)).toString("utf8");
  if (text.trim() === "") return {};
  return parseObject(text) ?? refuseBody();
}

function refuseBody(): never {
  throw new Refusal(400, "The body is not a JSON object.");
}

/** A text as a JSON object; null for any other text, and for one with half a character, which no program of a guest could read. */
export function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && !hasHalves(text, value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** Whole characters are written as they are, and halves as `\ud800`. */
function hasHalves(text: string, value: unknown): boolean {
  const escape = /(?<!\\)(?:\\\\)*\\ud[89a-f]/i;
  return escape.test(text) && escape.test(JSON.stringify(value));
}
