import type { Readable } from "node:stream";

import { PyroError } from "../contract/errors.js";

const NEWLINE = 10;

/**
 * The lines of a byte stream as text, without their newlines; a last one without a newline counts, empty ones do not.
 * Throws INVALID_ARGUMENT as soon as a line is longer than the limit. Leaves the stream open when the reader stops early.
 */
export async function* readLines(stream: Readable, maxBytes: number): AsyncGenerator<string, void> {
  let parts: Buffer[] = [];
  let partBytes = 0;
  const add = (part: Buffer) => {
    partBytes += part.length;
    if (partBytes > maxBytes) {
      throw new PyroError("INVALID_ARGUMENT", `A line is longer than ${maxBytes} bytes.`, {
        details: { max_bytes: maxBytes },
      });
    }
    parts.push(part);
  };
  const take = () => {
    const line = Buffer.concat(parts).toString("utf8");
    parts = [];
    partBytes = 0;
    return line;
  };
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      const line = take();
      if (line.trim() !== "") yield line;
    }
    add(chunk.subarray(start));
  }
  const last = take();
  if (last.trim() !== "") yield last;
}
