import { limits } from "../../contract/limits.js";

/** A caller's options for a command's time-out. */
interface TimeoutInput {
  readonly timeout_seconds?: number | undefined;
  /** The client's default, from `PYRO_TIMEOUT_SECONDS`. */
  readonly default_timeout_seconds?: number | undefined;
  readonly background?: boolean;
  readonly tty?: boolean;
}

/**
 * Seconds until a command is killed; null for a command without a time-out. The first of these counts: the call's value; none for a
 * command in the background or with a terminal; the task's value; the client's; the contract's default.
 */
export function resolveTimeout(input: TimeoutInput, taskSeconds: number | null = null): number | null {
  if (input.timeout_seconds !== undefined) return input.timeout_seconds;
  if (input.background || input.tty) return null;
  return taskSeconds ?? input.default_timeout_seconds ?? limits.defaultTimeoutSeconds;
}
