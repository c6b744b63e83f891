import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import type { Client } from "./client.js";

type Page = ResultOf<"task.exec_output">;

const WAIT_SECONDS = 60;

/** A command's output from a place on, page by page, until it has ended. Leaving (aborting) does not end the command. */
export async function* followOutput(
  client: Client,
  input: ArgumentsOf<"task.exec_output">,
  signal: AbortSignal,
): AsyncGenerator<Page, void, undefined> {
  const waiting = { ...input, wait_seconds: WAIT_SECONDS, wait_for: "output" as const };
  let place = {};
  for (;;) {
    const page = await client.call("task.exec_output", { ...waiting, ...place }, { signal });
    yield page;
    if (page.complete) return;
    place = { stdout_offset: page.next_stdout_offset, stderr_offset: page.next_stderr_offset };
  }
}
