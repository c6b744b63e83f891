import type { ArgumentsOf } from "../../contract/operations.js";
import { handOver } from "../../host/hand-over.js";
import type { Client } from "../client.js";
import { type WatchEvent, watchTask } from "./watch-task.js";

/** A watch as an iterable of what it reports. It ends with the signal, and when its reader stops. */
export async function* watchEvents(
  client: Client,
  input: ArgumentsOf<"task.watch">,
  signal: AbortSignal | undefined,
): AsyncGenerator<WatchEvent> {
  const ending = new AbortController();
  const end = () => ending.abort();
  if (signal?.aborted) end();
  signal?.addEventListener("abort", end, { once: true });
  const events = handOver<WatchEvent>(async (give) => {
    await watchTask(client, input, { signal: ending.signal, onEvent: (event) => give(event).catch(end) });
  });
  try {
    for await (const event of events) {
      let isWanted = false;
      try {
        yield event;
        isWanted = true;
      } finally {
        // The watch must end before its last event is given back.
        if (!isWanted) end();
      }
    }
  } finally {
    signal?.removeEventListener("abort", end);
  }
}
