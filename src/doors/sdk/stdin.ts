import type { StdinSource } from "./call-options.js";

/** Converts any form of standard input to bytes. */
export async function* readStdin(source: StdinSource): AsyncGenerator<Uint8Array> {
  const pieces = typeof source === "string" || source instanceof Uint8Array ? [source] : source;
  for await (const piece of pieces) yield typeof piece === "string" ? Buffer.from(piece) : piece;
}
