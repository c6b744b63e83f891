import type { Readable } from "node:stream";

import { LineReader } from "./line-reader.js";

/**
 * The lines of a byte stream as text, without their newlines; a last one without a newline counts, empty ones do not.
 * Throws INVALID_ARGUMENT as soon as a line is longer than the limit. Leaves the stream open when the reader stops early.
 */
export async function* readLines(stream: Readable, maxBytes: number): AsyncGenerator<string, void> {
  const reader = new LineReader(stream);
  for (let line = await reader.readLine(maxBytes); line !== null; line = await reader.readLine(maxBytes)) {
    if (line.trim() !== "") yield line;
  }
}
