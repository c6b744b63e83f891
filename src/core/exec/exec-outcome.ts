import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { ResultOf } from "../../contract/operations.js";
import type { JournalEntry } from "../../store/journal-entry.js";
import { AgentRefusal } from "../../guest/refusal.js";
import { renderKept } from "../../store/render-kept.js";
import type { TaskRecord } from "../../store/task-record.js";
import { buildOutputFields } from "./kept-output.js";
import type { Logs } from "./logs.js";

export type ExecStarted = Extract<JournalEntry, { event: "exec.started" }>;
export type ExecEnded = Extract<JournalEntry, { event: "exec.ended" }>;

/** The parts of a task that a running command uses. */
export interface ExecHost {
  readonly taskId: string;
  readonly directory: string;
  /** Its VM's facts, which each result repeats. */
  readonly record: Pick<TaskRecord, "execution_mode" | "mem_mib" | "accelerator">;
  /** True once the daemon has detached from the task: the command runs on, and only this daemon's view of it ends. */
  isDetached(): boolean;
  /** How long the task was stopped since then. */
  stoppedMs(since: string): number;
  /** The restore that the result of a command reports. Waits for one that is under way. */
  restoreOf(started: ExecStarted, ended: ExecEnded | null): Promise<ResultOf<"task.exec">["restored"]>;
  /** Writes down, durably, that a command has ended. */
  recordEnd(ended: ExecEnded): Promise<void>;
}

interface ReportedExec {
  readonly host: ExecHost;
  readonly started: ExecStarted;
  /** Null while it runs. */
  readonly ended: ExecEnded | null;
  readonly ageMs: number;
}

/** True unless a command has ended by itself: its output may end within a character. */
export function isCutOff(ended: ExecEnded | null): boolean {
  return ended === null || ended.timed_out || ended.aborted || ended.error !== null;
}

/** How a command ended, or its present state, with the head and the tail of its output. */
export async function buildOutcome(
  { host, started, ended, ageMs }: ReportedExec,
  { stdout, stderr, order }: Logs,
  interleaved: boolean,
): Promise<ResultOf<"task.exec">> {
  const [out, err] = [
    await renderKept(stdout, limits.resultOutputBytes, isCutOff(ended)),
    await renderKept(stderr, limits.resultOutputBytes, isCutOff(ended)),
  ];
  const { sequence, command, cwd, started_at } = started;
  return {
    task_id: host.taskId,
    sequence,
    command,
    cwd,
    state: ended ? "ended" : "running",
    exit_code: ended?.exit_code ?? null,
    ...buildOutputFields(out, err, interleaved ? order : null),
    duration_ms: ended?.duration_ms ?? ageMs,
    timed_out: ended?.timed_out ?? false,
    aborted: ended?.aborted ?? false,
    oom_killed: ended?.oom_killed ?? false,
    mem_mib: host.record.mem_mib,
    error: ended?.error ?? null,
    execution_mode: host.record.execution_mode,
    accelerator: host.record.accelerator,
    started_at,
    restored: await host.restoreOf(started, ended),
  };
}

export function endedError({ taskId }: ExecHost, { sequence }: ExecStarted, ended: ExecEnded | null): PyroError {
  return new PyroError("FAILED_PRECONDITION", `Command ${sequence} of task ${taskId} has ended.`, {
    hint: "Read its result with `pyro task output`.",
    details: { task_id: taskId, sequence, exit_code: ended?.exit_code ?? null },
  });
}

/** The error for a command whose task is stopped. */
export function stoppedError({ taskId }: ExecHost, { sequence }: ExecStarted): PyroError {
  return new PyroError("FAILED_PRECONDITION", `Task ${taskId} is not started.`, {
    hint: `Start it with \`pyro task start ${taskId}\`.`,
    details: { task_id: taskId, sequence },
  });
}

/** Throws the error of a command of an earlier daemon that the guest does not know; others as they are. */
export function rethrowUnknownJob(error: unknown): never {
  if (!(error instanceof AgentRefusal)) throw error;
  throw new PyroError("DAEMON_UNREACHABLE", "The daemon died before the guest received the command. It did not run.");
}
