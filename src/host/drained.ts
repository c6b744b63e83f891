import type { Writable } from "node:stream";

/** Resolves when a stream whose buffer is full takes more, when it closes, or when `signal` is aborted. */
export function drained(stream: Writable, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off("drain", done);
      stream.off("close", done);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
    signal?.addEventListener("abort", done);
  });
}
