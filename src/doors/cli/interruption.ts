import { reportFailure } from "./failure.js";

const statuses = { SIGINT: 130, SIGTERM: 143, SIGPIPE: 141 } as const;

/** Why a call was given up before its end: Ctrl-C, a request to terminate, or a reader that is gone. */
export interface Interruption {
  readonly signal: AbortSignal;
  interrupt(cause: keyof typeof statuses): void;
}

/**
 * Runs a long call to its exit status. The first signal cancels it politely and decides the status;
 * the second ends the process at once.
 */
export async function interruptible(
  json: boolean,
  body: (interruption: Interruption) => Promise<number>,
): Promise<number> {
  const controller = new AbortController();
  let exitStatus: number | null = null;
  const interrupt = (cause: keyof typeof statuses) => {
    if (exitStatus !== null && cause !== "SIGPIPE") process.exit(statuses[cause]);
    exitStatus ??= statuses[cause];
    controller.abort();
  };
  process.on("SIGINT", () => interrupt("SIGINT"));
  process.on("SIGTERM", () => interrupt("SIGTERM"));
  try {
    const status = await body({ signal: controller.signal, interrupt });
    return exitStatus ?? status;
  } catch (error) {
    if (exitStatus === null) throw error;
    if (json) reportFailure(error, json);
    return exitStatus;
  }
}
