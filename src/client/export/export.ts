import { resolve } from "node:path";

import { PyroError } from "../../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { existsSync } from "../../host/files.js";
import type { CallOptions, Client } from "../client.js";
import { streamBytes } from "../stream-bytes.js";
import { unpackInto } from "./unpack.js";
import { unusableOutput } from "./unusable.js";
import { writeArchiveFile } from "./write-file.js";

const ARCHIVE_NAME = /\.(tar|tar\.gz|tgz)$/i;
const GZIP_NAME = /gz$/i;

/** Saves files of a task on this machine, in a directory or as an archive that appears when it is complete. */
export async function exportTask(
  client: Client,
  { task_id, path, output, force = false }: ArgumentsOf<"task.export_to">,
  { signal }: CallOptions = {},
): Promise<ResultOf<"task.export_to">> {
  if (typeof output !== "string" || output === "" || output === "-") throw needsOutput();
  const target = resolve(output);
  const isArchive = ARCHIVE_NAME.test(output);
  if (isArchive && !force && existsSync(target)) throw unusableOutput(target, "EEXIST");
  let result: ResultOf<"task.export"> | null = null;
  const input = { task_id, path, gzip: isArchive && GZIP_NAME.test(output) };
  const stream = streamBytes(client, "task.export", input, signal, (sent) => (result = sent));
  await (isArchive ? writeArchiveFile(target, stream) : unpackInto(target, stream));
  if (result === null) throw new PyroError("INTERNAL", "The export ended without a result.");
  return { ...(result as ResultOf<"task.export">), output: target };
}

function needsOutput(): PyroError {
  return new PyroError("INVALID_ARGUMENT", "output: expected FILE.tar, FILE.tar.gz or a directory of this machine.", {
    details: { issues: [{ field: "output", message: "expected a path" }] },
  });
}
