import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import type { CallOptions, Client } from "./client.js";
import type { CallEvent } from "./event.js";

/** How often a broken connection is made good before the caller is told. */
const MAX_RETURNS = 20;
const RETURN_DELAY_MS = 100;

/**
 * Runs a command in a task. When the daemon dies meanwhile, the command goes on, and so does this call: it finds the
 * command again by its number and continues its output where it broke off.
 */
export async function execTask(
  client: Client,
  input: ArgumentsOf<"task.exec">,
  options: CallOptions,
): Promise<ResultOf<"task.exec">> {
  const seen = { sequence: 0, stdout: 0, stderr: 0 };
  const onEvent = async (event: CallEvent) => {
    if (event.event === "started") seen.sequence = event.sequence;
    if (event.event === "gap") seen[event.stream] += event.bytes;
    if (event.event === "stdout" || event.event === "stderr") seen[event.event] += event.data.length;
    await options.onEvent?.(event);
  };
  try {
    return await client.call("task.exec", input, { ...options, onEvent });
  } catch (error) {
    if (!isLost(error) || seen.sequence === 0) throw error;
  }
  const follow = { ...options, onEvent };
  delete follow.stdin;
  for (let returns = 1; ; returns += 1) {
    const { sequence, stdout, stderr } = seen;
    const place = { task_id: input.task_id, sequence, stdout_offset: stdout, stderr_offset: stderr };
    try {
      return await client.call("task.follow", place, follow);
    } catch (error) {
      if (!isLost(error) || returns === MAX_RETURNS) throw error;
      await sleep(RETURN_DELAY_MS);
    }
  }
}

/** The connection broke, or the daemon ended, while the command goes on. */
function isLost(error: unknown): boolean {
  return error instanceof PyroError && error.code === "DAEMON_UNREACHABLE";
}
