import type { StdinSource } from "./call-options.js";

/** Standard input as bytes, whatever it was given as. */
export async function* readStdin(source: StdinSource): AsyncGenerator<Uint8Array> {
  const pieces = typeof source === "string" || source instanceof Uint8Array ? [source] : source;
  for await (const piece of pieces) yield typeof piece === "string" ? Buffer.from(piece) : piece;
}
