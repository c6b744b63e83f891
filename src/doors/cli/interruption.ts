import type { EndSignal } from "../../contract/wire.js";
import { reportFailure } from "./failure.js";
import { BROKEN_PIPE_STATUS, isBrokenPipe, onStreamFailure } from "./streams.js";

const statuses = { SIGINT: 130, SIGQUIT: 131, SIGTERM: 143, SIGPIPE: BROKEN_PIPE_STATUS, WRITE_FAILED: 125 } as const;

/** Why a call was interrupted: Ctrl-C, Ctrl-\\, SIGTERM, or output that cannot be written. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Aborted when the command must be killed. */
  readonly killSignal: AbortSignal;
  /** The signal that the command gets first. */
  readonly endSignal: () => EndSignal;
  interrupt(cause: keyof typeof statuses): void;
}

/** The interruption for a stream that cannot be written. */
export function causeOf(error: NodeJS.ErrnoException): keyof typeof statuses {
  return isBrokenPipe(error) ? "SIGPIPE" : "WRITE_FAILED";
}

/**
 * Runs a long call and returns its exit status. The first signal cancels the call and decides the status. With `runsCommand`, the second
 * kills the command, and so does SIGQUIT at once. The next signal ends the process at once.
 */
export async function interruptible(
  json: boolean,
  body: (interruption: Interruption) => Promise<number>,
  { runsCommand = false } = {},
): Promise<number> {
  const cancelling = new AbortController();
  const killing = new AbortController();
  let cause: keyof typeof statuses | null = null;
  const interrupt = (now: keyof typeof statuses) => {
    const isFirst = cause === null;
    cause ??= now;
    cancelling.abort();
    if (now === "SIGPIPE" || now === "WRITE_FAILED") return killing.abort();
    if (isFirst && now === "SIGQUIT") killing.abort();
    if (isFirst) return;
    if (killing.signal.aborted || !runsCommand) process.exit(statuses[now]);
    killing.abort();
  };
  process.on("SIGINT", () => interrupt("SIGINT"));
  process.on("SIGQUIT", () => interrupt("SIGQUIT"));
  process.on("SIGTERM", () => interrupt("SIGTERM"));
  onStreamFailure("stdout", (error) => interrupt(causeOf(error)));
  const endSignal = () => (cause === "SIGTERM" ? "TERM" : "INT");
  const exitStatus = () => (cause === null ? null : statuses[cause]);
  try {
    const status = await body({ signal: cancelling.signal, killSignal: killing.signal, endSignal, interrupt });
    return exitStatus() ?? status;
  } catch (error) {
    const interrupted = exitStatus();
    if (interrupted === null) throw error;
    if (json) await reportFailure(error, json);
    return interrupted;
  }
}
