import { causeOf, type Interruption } from "./interruption.js";
import { onStreamFailure } from "./streams.js";

/** Writes to standard output or error; resolves when the stream accepts more. */
export type Write = (stream: "stdout" | "stderr", data: Uint8Array | string) => Promise<void>;

/** If a stream cannot be written, for example because its reader exited (`| head`), the call ends. Drops all output after that, and after a second signal. */
export function openOutput(interruption: Interruption): Write {
  onStreamFailure("stderr", (error) => interruption.interrupt(causeOf(error)));
  return (stream, data) =>
    new Promise((resolve) => {
      if (interruption.killSignal.aborted) resolve();
      else process[stream].write(data, () => resolve());
    });
}
