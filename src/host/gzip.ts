import { Readable } from "node:stream";
import { createGunzip, createGzip } from "node:zlib";

/** Compresses a stream of bytes. */
export function gzip(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  const source = Readable.from(bytes, { objectMode: false });
  const compressed = createGzip({ level: 6 });
  source.on("error", (error) => compressed.destroy(error));
  return source.pipe(compressed);
}

/** Decompresses a stream of bytes. A reader of bytes that are not gzip gets the error. */
export function gunzip(bytes: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  const source = Readable.from(bytes, { objectMode: false });
  const plain = createGunzip();
  source.on("error", (error) => plain.destroy(error));
  return source.pipe(plain);
}
