import { createReadStream, createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";

/** Lines that are joined into one chunk. */
const CHUNK_LINES = 1_000;

/** Writes lines, gzipped, into a new file that only its owner may read. */
export async function writeGzipLines(path: string, lines: AsyncIterable<string>): Promise<void> {
  await pipeline(
    Readable.from(inChunks(lines)),
    createGzip({ level: 1 }),
    createWriteStream(path, { flags: "wx", mode: 0o600 }),
  );
}

/** The lines of such a file. Throws when the file is damaged, at the latest at its end. */
export async function* readGzipLines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const text = createGunzip().setEncoding("utf8");
  file.on("error", (error) => text.destroy(error)).pipe(text);
  let rest = "";
  try {
    for await (const chunk of text) {
      const lines = (rest + (chunk as string)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } finally {
    file.destroy();
    text.destroy();
  }
  if (rest !== "") throw new Error("the last line has no end");
}

async function* inChunks(lines: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk: string[] = [];
  for await (const line of lines) {
    chunk.push(`${line}\n`);
    if (chunk.length < CHUNK_LINES) continue;
    yield chunk.join("");
    chunk = [];
  }
  yield chunk.join("");
}
