import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { InputOf } from "../../contract/operations.js";
import { terminalOf } from "../../contract/terminal.js";
import type { Channel } from "../../guest/channel.js";
import type { Journal } from "../../store/journal.js";
import type { TaskRecord } from "../../store/task-record.js";
import { WORKSPACE } from "../workspace/destination.js";
import type { Call } from "../call.js";
import type { ExecHost, ExecStarted } from "./exec-outcome.js";
import { TaskExec } from "./task-exec.js";
import type { TaskExecs } from "./task-execs.js";
import { resolveTimeout } from "./timeout.js";

/** The service whose command it is, or the name of the shell that it is. */
export type ExecRole = Readonly<Pick<ExecStarted, "service" | "shell">>;

/** The task in which a command starts. */
export interface StartingTask {
  readonly host: ExecHost;
  readonly execs: TaskExecs;
  readonly journal: Journal;
  readonly record: TaskRecord;
  /** Null until the agent has answered. */
  readonly channel: Channel | null;
  /** Set for a command that a service started, or that is a shell. */
  readonly role: ExecRole;
}

/**
 * Starts a command. Its start is written when this resolves, and synced when its `recorded` does. Throws RESOURCE_EXHAUSTED when the
 * task runs as many as it may.
 */
export async function startTaskExec(
  { host, execs, journal, record, channel, role }: StartingTask,
  machine: FoundMachine,
  input: InputOf<"task.exec">,
  stdin: Call["stdin"],
): Promise<TaskExec> {
  assertRoom(host, execs);
  const terminal = terminalOf(input);
  const started = {
    event: "exec.started" as const,
    sequence: execs.nextSequence,
    job: channel?.takeStream() ?? execs.lastJob + 1,
    ...(input.request_id === undefined ? {} : { request_id: input.request_id }),
    command: input.command,
    cwd: input.cwd ?? record.working_dir ?? WORKSPACE,
    timeout_seconds: resolveTimeout(input, record.timeout_seconds),
    ...(terminal && { terminal }),
    ...role,
    started_at: new Date().toISOString(),
  };
  const exec = new TaskExec(host, started, null);
  execs.add(exec);
  let recorded = Promise.resolve();
  try {
    await new Promise<void>((resolve, reject) => {
      recorded = journal.append(started, resolve);
      recorded.catch(reject);
    });
  } catch (error) {
    execs.remove(exec);
    throw error;
  }
  // The guest need not wait for the sync: a power loss of the host ends the VM as well.
  const user = input.user ?? record.user;
  exec.start(machine, { env: { ...record.env, ...input.env }, user }, stdin, recorded);
  return exec;
}

function assertRoom({ taskId }: ExecHost, execs: TaskExecs): void {
  const running = execs.running.length;
  if (running < limits.runningCommands) return;
  throw new PyroError("RESOURCE_EXHAUSTED", `Task ${taskId} already runs ${running} commands, which is the limit.`, {
    hint: "Wait for one of them to end.",
    details: { task_id: taskId, running, limit: limits.runningCommands },
  });
}
