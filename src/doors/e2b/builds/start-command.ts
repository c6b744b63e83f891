import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../../contract/errors.js";
import type { Pyro } from "../pyro.js";
import { renderCommand, type Place } from "./steps.js";

/** How long a start command has when no command says that it is ready, and how long it may take otherwise. */
const START_SECONDS = 20;
const READY_MS = 300_000;
const READY_EVERY_MS = 1_000;

/** The commands after the last step of a template; both may be empty. */
export interface StartCommands {
  readonly start: string;
  readonly ready: string;
}

/**
 * Runs the start command in a task until the ready command succeeds; it keeps running. Throws ENVIRONMENT_BUILD_FAILED when the start
 * command fails before, or the ready command until the end of its time.
 */
export async function startInTask(
  pyro: Pyro,
  taskId: string,
  place: Place,
  { start, ready }: StartCommands,
): Promise<void> {
  const leaving = new AbortController();
  const failure = new Promise<never>((_, reject) => {
    if (start !== "") follow(pyro, taskId, renderCommand(place, start), leaving.signal).catch(reject);
  });
  try {
    await Promise.race([
      failure,
      untilReady(pyro, taskId, renderCommand(place, ready || `sleep ${START_SECONDS}`), leaving.signal),
    ]);
  } finally {
    leaving.abort();
  }
}

/** Rejects when the command fails. One that has ended well may have left a server behind. */
async function follow(pyro: Pyro, taskId: string, line: string, detachSignal: AbortSignal): Promise<void> {
  // Its output goes nowhere: in a sandbox that starts from it, nothing would read it.
  const command = `exec >/dev/null 2>&1 </dev/null; ${line}`;
  const place = { task_id: taskId, user: "root", cwd: "/" };
  const { sequence } = await pyro.perform("task.exec", { ...place, command, background: true });
  // The ready command decides when it cannot be followed.
  const ended = await pyro.perform("task.follow", { task_id: taskId, sequence }, { detachSignal }).catch(() => null);
  if (ended === null || ended.exit_code === 0) return;
  const { exit_code } = ended;
  const how = exit_code === null ? "was killed" : `ended with exit status ${exit_code}`;
  throw new PyroError("ENVIRONMENT_BUILD_FAILED", `The start command ${how} before the template was ready.`);
}

async function untilReady(pyro: Pyro, taskId: string, command: string, signal: AbortSignal): Promise<void> {
  const endMs = Date.now() + READY_MS;
  while (!signal.aborted) {
    const { exit_code } = await pyro.perform(
      "task.exec",
      { task_id: taskId, user: "root", cwd: "/", command },
      { signal },
    );
    if (exit_code === 0) return;
    if (Date.now() > endMs) {
      throw new PyroError("ENVIRONMENT_BUILD_FAILED", `The ready command has failed for ${READY_MS / 1000} s.`);
    }
    await sleep(READY_EVERY_MS);
  }
}
