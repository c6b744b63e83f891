import type { Interruption } from "./interruption.js";

/** Writes to standard output and error; resolves when more can be taken. */
export type Write = (stream: "stdout" | "stderr", data: Uint8Array | string) => Promise<void>;

/** A reader that is gone (`| head`) ends the call; what comes after that, or after a second signal, is dropped. */
export function openOutput(interruption: Interruption): Write {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", () => interruption.interrupt("SIGPIPE"));
  }
  return (stream, data) =>
    new Promise((resolve) => {
      if (interruption.killSignal.aborted) resolve();
      else process[stream].write(data, () => resolve());
    });
}
