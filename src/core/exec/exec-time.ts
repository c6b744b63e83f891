import type { ExecHost, ExecStarted } from "./exec-outcome.js";

/** Time since a command was started. */
export function ageMs({ started_at }: ExecStarted): number {
  return Math.max(0, Date.now() - Date.parse(started_at));
}

/** Null for a command without a time-out. The time in which its task was stopped does not count. */
export function remainingMs(host: ExecHost, started: ExecStarted): number | null {
  const { timeout_seconds: seconds, started_at } = started;
  return seconds === null ? null : Math.max(0, seconds * 1000 - ageMs(started) + host.stoppedMs(started_at));
}
