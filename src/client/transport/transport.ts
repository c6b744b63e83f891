import type { Duplex } from "../../host/socket.js";

/** A way to the daemon of one home. It opens byte streams; HTTP and frames are the client's. */
export interface Transport {
  /** Opens a byte stream to the daemon. The stream emits an error, or ends without a byte, when no daemon can be reached. */
  connect(): Duplex;
  /** True for the error of a stream that has not reached a daemon. The daemon then knows nothing of the request. */
  isAbsent(error: unknown): boolean;
  /** Looks for a running daemon without starting one. False when none runs. Throws PyroError. */
  find(): Promise<boolean>;
  /** Starts the daemon unless it runs. Throws PyroError. */
  start(): Promise<void>;
  /** What to tell the user about a stream that broke. */
  loss(): Loss;
}

/** The facts of a broken connection to a daemon. */
interface Loss {
  /** The daemon, at the begin of a sentence. */
  readonly daemon: string;
  readonly hint: string;
  readonly details: Record<string, unknown>;
}
