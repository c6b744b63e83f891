import { basename, dirname, join } from "node:path";

import type { ArchiveEntry } from "../../archive/entry.js";
import { writeArchive } from "../../archive/write.js";
import { PyroError } from "../../contract/errors.js";
import { assertFreeSpace } from "../../host/disk.js";
import { lookAtName, open, rm, stat, syncDirectory } from "../../host/files.js";
import { publishDraft } from "../../host/new-name.js";
import { newDraftName, sweepDrafts } from "../../host/temporary.js";
import type { EnvironmentFiles } from "../cache.js";
import { readFileBytes } from "../image/streams.js";
import { manifestFile } from "../layout.js";
import { environmentFiles } from "../source.js";
import { renderSavedRecord, savedFiles, type SavedRecord } from "./record.js";
import type { SavedDisk } from "./saved-disks.js";

const MIB = 1_048_576;

/** The order of the files in an export: the records come first, so that a reader knows what follows. */
const contentFiles = [manifestFile, ...Object.values(environmentFiles)];

/** Writes a saved disk, and the environment below it, into a new tar archive. Returns its size. Throws FILE_EXISTS. */
export async function exportSaved(
  { directory, record }: SavedDisk,
  { rootPath }: EnvironmentFiles,
  output: string,
  signal: AbortSignal,
): Promise<number> {
  if (lookAtName(output) !== null) throw exists(output);
  const below = dirname(rootPath);
  const files = [...contentFiles.map((name) => join(below, name)), join(directory, savedFiles.disk)];
  const draft = join(dirname(output), newDraftName());
  await sweepDrafts(dirname(output));
  try {
    const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
    await assertFreeSpace(dirname(output), Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / MIB), "An export");
    await writeDraft(draft, record, files, signal);
    if (!(await publishDraft(draft, output))) throw exists(output);
    await syncDirectory(dirname(output));
    return (await stat(output)).size;
  } catch (error) {
    throw explainOutput(error, output);
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
}

async function writeDraft(
  draft: string,
  record: SavedRecord,
  files: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const file = await open(draft, "wx", 0o600);
  try {
    for await (const bytes of writeArchive(entriesOf(record, files))) {
      signal.throwIfAborted();
      await file.writeFile(bytes);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The record comes first, since a reader decides by it. A built environment has another one than the result of its last step. */
async function* entriesOf(record: SavedRecord, files: readonly string[]): AsyncGenerator<ArchiveEntry> {
  const text = Buffer.from(renderSavedRecord(record));
  const when = { mtimeS: Math.floor(Date.parse(record.created_at) / 1_000), mtimeNs: 0 };
  const content = (async function* () {
    yield text;
  })();
  const facts = { path: savedFiles.record, mode: 0o644, ...when, sizeBytes: text.length, target: null, content };
  yield { ...facts, type: "file" };
  for (const path of files) {
    const { size, mtimeMs } = await stat(path);
    const when = { mtimeS: Math.floor(mtimeMs / 1_000), mtimeNs: 0 };
    const content = readFileBytes(path, 0, size) as AsyncIterable<Buffer>;
    yield { path: basename(path), type: "file", mode: 0o644, ...when, sizeBytes: size, target: null, content };
  }
}

function exists(output: string): PyroError {
  return new PyroError("FILE_EXISTS", `${output} exists.`, {
    hint: "Name another file, or remove that one.",
    details: { path: output },
  });
}

function explainOutput(error: unknown, output: string): PyroError {
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof PyroError || (code !== "ENOENT" && code !== "EACCES" && code !== "ENOTDIR")) {
    return PyroError.from(error);
  }
  return new PyroError("DESTINATION_UNUSABLE", `${output} cannot be written: ${code}.`, { details: { path: output } });
}
