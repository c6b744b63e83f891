import type { OperationName } from "../../contract/operations.js";
import type { Duplex } from "../../host/socket.js";
import type { Patience } from "../patience.js";

/** Asks the daemon for something, without starting it. */
export type Ask = (name: OperationName, input: object) => Promise<unknown>;

/** The facts of a call that a transport needs for its own work. */
export interface CallContext {
  readonly ask: Ask;
  /** Aborted when the caller cancels. */
  readonly signal?: AbortSignal | undefined;
}

/** A way to the daemon of one home. It opens byte streams; HTTP and frames are the client's. */
export interface Transport {
  /** The name of the context; null for this machine. */
  readonly context: string | null;
  /** The unix socket of this machine at which streams to the daemon begin. */
  readonly socket: string;
  /** Opens a byte stream to the daemon. The stream emits an error, or ends without a byte, when no daemon can be reached. */
  connect(): Duplex;
  /** True for the error of a stream that has not reached a daemon. The daemon then knows nothing of the request. */
  isAbsent(error: unknown): boolean;
  /** Looks for a running daemon without starting one. Throws PyroError. */
  find(): Promise<Found>;
  /** Starts the daemon unless it runs. Throws PyroError. */
  start(): Promise<void>;
  /** The input as the daemon must get it: its machine may be another one. Throws what the operation would. */
  prepare(name: OperationName, input: object, call: CallContext): object | Promise<object>;
  /** The result as this machine sees it; `input` is the object that `prepare` got. */
  show(name: OperationName, input: object, result: unknown, call: CallContext): unknown;
  /** Removes what `prepare` has made, after the call. */
  settle(name: OperationName, given: object): void | Promise<void>;
  /** How long a call waits for a daemon that it has lost. */
  patience(): Patience;
  /** The message for the user about a stream that broke. */
  loss(): Loss;
}

export interface Found {
  readonly running: boolean;
  /** PYRO_HOME there, and the daemon's log. */
  readonly home: string;
  readonly log: string;
}

/** The facts of a broken connection to a daemon. */
interface Loss {
  /** The daemon, at the begin of a sentence. */
  readonly daemon: string;
  readonly hint: string;
  readonly details: Record<string, unknown>;
}
