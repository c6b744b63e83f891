import { setTimeout as sleep } from "node:timers/promises";

import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import type { CallOptions, Client } from "./client.js";
import { isLost, MAX_RETURNS, RETURN_DELAY_MS } from "./task-exec.js";

type Page = ResultOf<"task.exec_output">;

const WAIT_SECONDS = 60;

/** A page of a command's output. Retries when the daemon dies, because reading has no side effect. */
export function readOutput(
  client: Client,
  input: ArgumentsOf<"task.exec_output">,
  options: CallOptions,
): Promise<Page> {
  return retryWhenLost(() => client.call("task.exec_output", input, options));
}

/** Makes a call without side effects again while daemons die. */
export async function retryWhenLost<T>(call: () => Promise<T>): Promise<T> {
  for (let returns = 0; ; returns += 1) {
    try {
      return await call();
    } catch (error) {
      if (!isLost(error) || returns === MAX_RETURNS) throw error;
      await sleep(RETURN_DELAY_MS);
    }
  }
}

/** A command's output from an offset on, page by page, until it has ended. Aborting the wait does not end the command. */
export async function* followOutput(
  client: Client,
  input: ArgumentsOf<"task.exec_output">,
  signal: AbortSignal,
): AsyncGenerator<Page, void, undefined> {
  const waiting = { ...input, wait_seconds: WAIT_SECONDS, wait_for: "output" as const };
  let place = {};
  for (;;) {
    const page = await readOutput(client, { ...waiting, ...place }, { signal });
    yield page;
    if (page.complete) return;
    place = { stdout_offset: page.next_stdout_offset, stderr_offset: page.next_stderr_offset };
  }
}
