import type { OperationEvent } from "../../contract/operation.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { handOver } from "../../host/hand-over.js";
import type { Client } from "../client.js";

/** Files of a task as a tar stream. `onResult` gets the counts at the end. */
export function exportStream(
  client: Client,
  input: ArgumentsOf<"task.export">,
  signal: AbortSignal | undefined,
  onResult: (result: ResultOf<"task.export">) => void = () => {},
): AsyncGenerator<Uint8Array> {
  return handOver<Uint8Array>(async (give) => {
    const onEvent = async (event: OperationEvent) => {
      if (event.event === "stdout") await give(event.data);
    };
    onResult(await client.call("task.export", input, { onEvent, ...(signal && { signal }) }));
  });
}
