import type { PyroError } from "../contract/errors.js";
import type { OperationEvent } from "../contract/operation.js";
import type { EndSignal, TraceEvent } from "../contract/wire.js";
import type { TerminalSize } from "../contract/terminal.js";
import type { CallerBytes } from "./caller-bytes.js";

/** The caller of one operation, over plain HTTP or over a stream of frames. */
export interface Caller {
  readonly asks: CallerAsks;
  readonly hears: CallerHears;
}

/** Receives the bytes after the input. */
export interface Sinks {
  readonly stdin: CallerBytes | null;
  /** The archive of an operation that was given a source. */
  readonly source: CallerBytes | null;
  cancel(signal: EndSignal): void;
  resize(size: TerminalSize): void;
}

/** The caller's requests. */
export interface CallerAsks {
  /** The input as JSON, unchecked. */
  readInput(): Promise<unknown>;
  /** The raw archive that fills the rest of a plain request. */
  readArchive?(): AsyncGenerator<Uint8Array, void>;
  /** Passes on the bytes after the input until their end. Rejects when they are invalid, or when the caller disconnects too early. */
  follow(sinks: Sinks): Promise<void>;
}

/** The answers to a caller. */
export interface CallerHears {
  /** Sends an event; resolves when the caller can take more, has disconnected, or has cancelled. */
  emit(event: OperationEvent | TraceEvent, signal: AbortSignal): Promise<void>;
  /** Lets the caller send this many bytes more. */
  grant(what: "stdin" | "source", bytes: number): void;
  /** Resolves when all of it was sent, or the caller has disconnected. */
  sendResult(result: unknown): Promise<void>;
  sendError(error: PyroError): Promise<void>;
}
