import type { OperationEvent } from "../contract/operation.js";
import type { TerminalSize } from "../contract/terminal.js";
import type { Ending } from "./exec/ending.js";

/** One caller's call: how to reach it while it waits, and how it cancels. */
export interface Call extends Ending {
  /** Aborted when the caller cancels (a running command gets some time first) or disconnects. */
  readonly signal: AbortSignal;
  /** True when the caller cancelled; false when the caller disconnected or the daemon ends. */
  isCancelled(): boolean;
  /** The caller's standard input; null when there is none. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  /** The archive behind the input; null for operations without one. Throws when the caller disconnects before its end. */
  readonly upload: AsyncIterable<Uint8Array> | null;
  /** Calls back with each new size of the caller's terminal. Returns a function that removes the listener. */
  onResize(listener: (size: TerminalSize) => void): () => void;
  /** Names the work since the last such call, for a trace. */
  mark(stage: string): void;
  /** Sends an event; resolves when the caller can take more. */
  emit(event: OperationEvent): Promise<void>;
}

/** A call without a caller, until the signal is aborted. */
export function unattended(signal: AbortSignal): Call {
  return {
    ...{ signal, stdin: null, upload: null },
    ...{ isCancelled: () => false, onInterrupt: () => () => {}, onResize: () => () => {} },
    ...{ mark: () => {}, emit: async () => {} },
  };
}
