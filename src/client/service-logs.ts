import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import type { Client } from "./client.js";
import { retryWhenLost } from "./task-output.js";

const WAIT_SECONDS = 60;

/** A service's output from a cursor on, page by page, until the service has ended. Aborting the wait does not stop the service. */
export async function* followServiceLogs(
  client: Client,
  input: ArgumentsOf<"task.service.logs">,
  signal: AbortSignal,
): AsyncGenerator<ResultOf<"task.service.logs">, void, undefined> {
  let place = input;
  for (;;) {
    const asked = place;
    const page = await retryWhenLost(client, () => client.call("task.service.logs", asked, { signal }));
    yield page;
    if (page.complete) return;
    place = { ...input, cursor: page.cursor, wait_seconds: WAIT_SECONDS };
  }
}
