import type { OperationEvent } from "../contract/operation.js";
import type { Ending } from "./exec/ending.js";

/** One caller's call: how to reach it while it waits, and how it cancels. */
export interface Call extends Ending {
  /** Aborted when the caller cancels, after the grace that a running command gets, or is gone. */
  readonly signal: AbortSignal;
  /** True when the signal is the caller's own wish; otherwise the caller is gone, or the daemon ends. */
  isCancelled(): boolean;
  /** The caller's standard input; null when there is none. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  /** The archive behind the input; null for operations without one. Throws when the caller is gone before its end. */
  readonly upload: AsyncIterable<Uint8Array> | null;
  /** Says what the time since the last such call was spent on. */
  mark(stage: string): void;
  /** Sends an event; resolves when the caller can take more. */
  emit(event: OperationEvent): Promise<void>;
}
