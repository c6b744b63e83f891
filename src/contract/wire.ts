import { PyroError, type ErrorBody } from "./errors.js";
import type { OperationEvent } from "./operation.js";
import type { OperationName } from "./operations.js";

/** What clients and daemon say to each other over HTTP. The page for people is docs/http.md. */

/** Says which pyro a client is; the daemon refuses one of another version. */
export const versionHeader = "pyro-version";

/** A request with this header set to 1 gets the event `trace` before its result, where it gets events at all. */
export const traceHeader = "pyro-trace";

/** A part of the time that a call took, and what it was spent on. */
export interface Stage {
  readonly stage: string;
  readonly ms: number;
}

/** Where the daemon's time went, in order. */
export interface TraceEvent {
  readonly event: "trace";
  readonly stages: readonly Stage[];
}

/** Where the daemon serves its OpenAPI document, to GET. */
export const openApiRoute = "/openapi.json";

/** What a client upgrades a request to that wants raw bytes: frames, as docs/stream.md describes them. */
export const streamProtocol = "pyro-stream/1";

export function routeOf(name: OperationName): string {
  return `/v1/${name.replaceAll(".", "/")}`;
}

/** The lines of a request's body after its input. Where a source is given and not framed, the raw archive is there instead. */
export type RequestLine =
  /** As many raw bytes of the archive follow behind the newline. */
  | { readonly source: number }
  | { readonly source_end: true }
  | { readonly stdin: string }
  | { readonly stdin_end: true }
  /** Cancels: a command gets the signal, INT unless given. The second such line kills it. The answer still comes. */
  | { readonly cancel: true; readonly signal?: EndSignal };

/** What a command that is cancelled gets first. */
export type EndSignal = "INT" | "TERM";

/** The lines of a streaming answer. The last one is the result or the error. Output is base64, since it may be any bytes. */
export type AnswerLine =
  | Exclude<OperationEvent, { event: "stdout" | "stderr" }>
  | { readonly event: "stdout" | "stderr"; readonly data: string }
  /** The caller may send so many more bytes of standard input. */
  | { readonly event: "stdin_credit"; readonly bytes: number }
  | TraceEvent
  | { readonly event: "result"; readonly result: unknown }
  | { readonly event: "error"; readonly error: ErrorBody };

/** The signal of a wish to cancel, INT unless it has one. Throws INVALID_ARGUMENT for any other. */
export function parseEndSignal(wish: unknown): EndSignal {
  const signal = typeof wish === "object" && wish !== null && "signal" in wish ? wish.signal : "INT";
  if (signal === "INT" || signal === "TERM") return signal;
  throw new PyroError("INVALID_ARGUMENT", "The signal of a cancel is INT or TERM.");
}
