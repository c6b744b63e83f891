import type { ErrorBody } from "./errors.js";
import type { OperationEvent } from "./operation.js";
import type { OperationName } from "./operations.js";

/** What clients and daemon say to each other over HTTP. The page for people is docs/http.md. */

/** Says which pyro a client is; the daemon refuses one of another version. */
export const versionHeader = "pyro-version";

/** Where the daemon serves its OpenAPI document, to GET. */
export const openApiRoute = "/openapi.json";

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

/** The lines of a streaming answer. The last one is the result or the error. */
export type AnswerLine =
  | OperationEvent
  /** The caller may send so many more bytes of standard input. */
  | { readonly event: "stdin_credit"; readonly bytes: number }
  | { readonly event: "result"; readonly result: unknown }
  | { readonly event: "error"; readonly error: ErrorBody };
