import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../contract/errors.js";
import type { ExecEnded, ExecHost, ExecStarted } from "./exec-outcome.js";
import type { Logs } from "./logs.js";

/** How often writing a record is retried while the disk is full. */
const RECORD_AGAIN_MS = 1_000;

export interface ExecEnd {
  /** Null when it is not known. */
  readonly exitCode: number | null;
  readonly by: "itself" | "timeout" | "caller";
  readonly oomKilled?: boolean;
  readonly error?: PyroError;
  readonly durationMs: number;
}

/** The end of a command, as the journal of its task records it. */
export function buildEnded({ sequence }: ExecStarted, logs: Logs, end: ExecEnd): ExecEnded {
  return {
    event: "exec.ended",
    sequence,
    exit_code: end.exitCode,
    duration_ms: end.durationMs,
    timed_out: end.by === "timeout",
    aborted: end.by === "caller",
    oom_killed: end.oomKilled ?? false,
    error: end.error ? { code: end.error.code, message: end.error.message } : null,
    stdout_bytes: logs.stdout.totalBytes,
    stderr_bytes: logs.stderr.totalBytes,
    ended_at: new Date().toISOString(),
  };
}

/**
 * Records an end, and calls back when it is on disk. If it cannot be recorded, the returned end has the error, and the record is
 * written as soon as possible.
 */
export async function recordEnd(host: ExecHost, ended: ExecEnded, onRecorded: () => void): Promise<ExecEnded> {
  try {
    await host.recordEnd(ended);
    onRecorded();
    return ended;
  } catch (thrown) {
    if (host.isDetached()) throw thrown;
    const { code, message } = PyroError.from(thrown);
    const told = { ...ended, error: ended.error ?? { code, message } };
    void recordLater(host, told, onRecorded);
    return told;
  }
}

async function recordLater(host: ExecHost, ended: ExecEnded, onRecorded: () => void): Promise<void> {
  for (;;) {
    await sleep(RECORD_AGAIN_MS, undefined, { ref: false });
    if (host.isDetached()) return;
    const isWritten = await host.recordEnd(ended).then(
      () => true,
      () => false,
    );
    if (isWritten) return onRecorded();
  }
}
