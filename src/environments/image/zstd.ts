import { pipeline, Readable } from "node:stream";
import * as zlib from "node:zlib";

import { corrupt } from "../../archive/refusal.js";
import { filter } from "../../host/filter.js";
import { findProgram } from "../../host/find-program.js";
import { imageError } from "./failure.js";

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
/** The bytes by which a zstd stream is known. */
export const ZSTD_START_BYTES = MAGIC.length;
/** The largest accepted window: 128 MiB, which is also the limit of the zstd program. */
const WINDOW_LOG = 27;

interface WithZstd {
  createZstdDecompress?: (options: { params: Record<number, number> }) => NodeJS.ReadWriteStream;
  constants: { ZSTD_d_windowLogMax?: number };
}

/** True for the first bytes of a zstd stream. */
export function isZstd(start: Buffer): boolean {
  return start.equals(MAGIC);
}

/**
 * The content of a zstd stream. Node.js before 22.15 has no zstd; there the program `zstd` of the host reads it. Throws
 * ENVIRONMENT_BUILD_FAILED when neither exists, and the error of `source`.
 */
export async function* unzstd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const { createZstdDecompress, constants } = zlib as unknown as WithZstd;
  if (!createZstdDecompress) {
    const program = await findProgram("zstd");
    if (program === null) throw noZstd();
    yield* unzstdWith(program, source);
    return;
  }
  const inflater = createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax ?? 100]: WINDOW_LOG } });
  // An error of the source is thrown by the iteration below.
  pipeline(Readable.from(source), inflater, () => {});
  try {
    for await (const chunk of inflater) yield chunk as Buffer;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    throw code.startsWith("ZSTD_") || code.startsWith("Z_") ? invalid() : error;
  }
}

/** The content of a zstd stream, as the given program reads it. Throws the error of `source`. */
export async function* unzstdWith(program: string, source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const status = yield* filter(program, ["--decompress", "--stdout", "--quiet", `--long=${WINDOW_LOG}`], source);
  if (status !== 0) throw invalid();
}

function noZstd() {
  return imageError("compression", `The image is compressed with zstd, which Node.js ${process.version} cannot read.`, {
    node_version: process.version,
  });
}

function invalid() {
  return corrupt("its zstd data is truncated or invalid");
}
