import { causeOf, type Interruption } from "./interruption.js";
import { onStreamFailure } from "./streams.js";

/** Writes to standard output and error; resolves when more can be taken. */
export type Write = (stream: "stdout" | "stderr", data: Uint8Array | string) => Promise<void>;

/** A stream that cannot be written, as with a reader that is gone (`| head`), ends the call; what comes after that, or a second signal, is dropped. */
export function openOutput(interruption: Interruption): Write {
  onStreamFailure("stderr", (error) => interruption.interrupt(causeOf(error)));
  return (stream, data) =>
    new Promise((resolve) => {
      if (interruption.killSignal.aborted) resolve();
      else process[stream].write(data, () => resolve());
    });
}
