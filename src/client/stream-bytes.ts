import type { OperationEvent } from "../contract/operation.js";
import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import { handOver } from "../host/hand-over.js";
import type { Client } from "./client.js";

/** The operations that send bytes. */
type Sending = "task.export" | "task.file.fetch";

/** The bytes that an operation sends, as fast as they are read. `onResult` gets the result, at the end. A reader that stops ends the call. */
export async function* streamBytes<Name extends Sending>(
  client: Client,
  name: Name,
  input: ArgumentsOf<Name>,
  signal: AbortSignal | undefined,
  onResult: (result: ResultOf<Name>) => void = () => {},
): AsyncGenerator<Uint8Array> {
  const ending = new AbortController();
  const end = () => ending.abort();
  if (signal?.aborted) end();
  signal?.addEventListener("abort", end, { once: true });
  const bytes = handOver<Uint8Array>(async (give) => {
    const onEvent = async (event: OperationEvent) => {
      // After the reader has stopped, output that still arrives is dropped.
      if (event.event === "stdout") await give(event.data).catch(end);
    };
    onResult(await client.call(name, input, { onEvent, signal: ending.signal }));
  });
  try {
    yield* bytes;
  } finally {
    signal?.removeEventListener("abort", end);
  }
}
