import { Readable } from "node:stream";
import { createGzip } from "node:zlib";

/** Compresses a stream of bytes. */
export function gzip(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  const source = Readable.from(bytes, { objectMode: false });
  const compressed = createGzip({ level: 6 });
  source.on("error", (error) => compressed.destroy(error));
  return source.pipe(compressed);
}
