import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import type { CallOptions, Client } from "./client.js";
import { isLost } from "./task-exec.js";

type Page = ResultOf<"task.exec_output">;

const WAIT_SECONDS = 60;

/** A page of a command's output. Retries when the daemon dies, because reading has no side effect. */
export function readOutput(
  client: Client,
  input: ArgumentsOf<"task.exec_output">,
  options: CallOptions,
): Promise<Page> {
  return retryWhenLost(client, () => client.call("task.exec_output", input, options));
}

/** Makes a call without side effects again while daemons die. */
export async function retryWhenLost<T>(client: Client, call: () => Promise<T>): Promise<T> {
  const patience = client.transport.patience();
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isLost(error) || !(await patience.wait(error))) throw error;
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
