import { PyroError, type ErrorBody } from "./errors.js";
import type { OperationEvent } from "./operation.js";
import type { OperationName } from "./operations.js";
import type { TerminalSize } from "./terminal.js";

/** The HTTP protocol between clients and daemon. The page for people is docs/http.md. */

/** The client's version of pyro; the daemon refuses a different version. */
export const versionHeader = "pyro-version";

/** A streaming request with this header set to 1 gets the event `trace` before its result. */
export const traceHeader = "pyro-trace";

/** A stage of a call, and its time. */
export interface Stage {
  readonly stage: string;
  readonly ms: number;
}

/** The stages of a call in the daemon, in order. */
export interface TraceEvent {
  readonly event: "trace";
  readonly stages: readonly Stage[];
}

/** Path of the daemon's OpenAPI document, for GET. */
export const openApiRoute = "/openapi.json";

/** HTTP upgrade to binary frames, which docs/stream.md describes. */
export const streamProtocol = "pyro-stream/1";

export function routeOf(name: OperationName): string {
  return `/v1/${name.replaceAll(".", "/")}`;
}

/** The lines of a request's body after its input. A source that is not framed is sent as a raw archive instead. */
export type RequestLine =
  /** This many raw bytes of the archive follow the newline. */
  | { readonly source: number }
  | { readonly source_end: true }
  | { readonly stdin: string }
  | { readonly stdin_end: true }
  /** The new size of the caller's terminal. */
  | { readonly resize: TerminalSize }
  /** Cancels the call: sends the signal (default INT) to its command. The second such line kills it. The answer still comes. */
  | { readonly cancel: true; readonly signal?: EndSignal };

/** The first signal that a cancelled command gets. */
export type EndSignal = "INT" | "TERM";

/** The lines of a streaming answer. The last one is the result or the error. Output is base64, since it may be any bytes. */
export type AnswerLine =
  | Exclude<OperationEvent, { event: "stdout" | "stderr" }>
  | { readonly event: "stdout" | "stderr"; readonly data: string }
  /** The caller may send this many more bytes of standard input. */
  | { readonly event: "stdin_credit"; readonly bytes: number }
  | TraceEvent
  | { readonly event: "result"; readonly result: unknown }
  | { readonly event: "error"; readonly error: ErrorBody };

/** The signal of a cancel line; default INT. Throws INVALID_ARGUMENT for any other than INT and TERM. */
export function parseEndSignal(wish: unknown): EndSignal {
  const signal = typeof wish === "object" && wish !== null && "signal" in wish ? wish.signal : "INT";
  if (signal === "INT" || signal === "TERM") return signal;
  throw new PyroError("INVALID_ARGUMENT", "A cancel takes the signal INT or TERM only.");
}
