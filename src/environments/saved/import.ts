import { createHash } from "node:crypto";
import { join } from "node:path";

import type { ArchiveEntry } from "../../archive/entry.js";
import { readArchive } from "../../archive/read.js";
import { PyroError } from "../../contract/errors.js";
import { chmod, mkdir, open, readdir, rename, rm, syncDirectory, syncTree, writeFile } from "../../host/files.js";
import { readFileBytes, whileRoom } from "../image/streams.js";
import { contentPath, type Layout, manifestFile, newTemporaryPath } from "../layout.js";
import { digestOfManifest, type Manifest, parseManifest } from "../manifest.js";
import { environmentFiles } from "../source.js";
import { directoryNameOf, parseSavedRecord, savedFiles, type SavedRecord } from "./record.js";
import type { NewSavedDisk, SavedDisk, SavedDisks } from "./saved-disks.js";

const MOST_RECORD_BYTES = 4_194_304;
const READ_ONLY = 0o444;

/** The places of an import's parts. */
export interface ImportPlace {
  readonly layout: Layout;
  readonly saved: SavedDisks;
  /** Protects a content from pruning until the release is called. */
  readonly hold: (digest: string) => () => void;
}

interface ImportOptions {
  /** Null for its former name. Throws when the name is taken. */
  readonly nameOf: (name: string) => Promise<string>;
  readonly keepBelow: (disk: SavedDisk) => void;
  readonly signal: AbortSignal;
}

/** Adds an environment from a file of `exportSaved`, all of it or nothing. Throws ENVIRONMENT_CORRUPT for any other file. */
export async function importSaved(place: ImportPlace, file: string, options: ImportOptions): Promise<SavedDisk> {
  const entries = readArchive(readSource(file))[Symbol.asyncIterator]();
  const draft = newTemporaryPath(place.layout);
  let release = () => {};
  try {
    const next = (name: string) => nextEntry(entries, name);
    const record = parseSavedRecord(parseJson(await readText(await next(savedFiles.record))));
    if (record === null) throw corrupt("its record is damaged, or of a newer pyro");
    const name = await options.nameOf(record.name);
    directoryNameOf(name);
    const text = await readText(await next(manifestFile));
    const manifest = parseManifest(text);
    if (manifest === null || digestOfManifest(text) !== record.environment_digest)
      throw corrupt("its manifest is damaged");
    release = place.hold(record.environment_digest);
    await mkdir(draft, { mode: 0o755 });
    await writeFile(join(draft, manifestFile), text, { mode: READ_ONLY });
    for (const part of Object.values(environmentFiles)) {
      await writePart(await next(part), join(draft, part), expectedOf(manifest, part), options.signal);
    }
    await publish(place.layout, draft, record.environment_digest);
    const disk = await place.saved.keep(
      renamed(record, name),
      async (path) => writePart(await next(savedFiles.disk), path, null, options.signal),
      options.signal,
    );
    options.keepBelow(disk);
    return disk;
  } catch (error) {
    throw explain(error);
  } finally {
    await entries.return?.(undefined);
    await rm(draft, { recursive: true, force: true });
    release();
  }
}

function renamed(record: SavedRecord, name: string): SavedRecord {
  const about: NewSavedDisk = { ...record, name, task_id: null, snapshot_id: null };
  return { ...about, format: 1, created_at: record.created_at, disk: record.disk };
}

/** An existing content stays, also one that another import adds meanwhile: it has the same digest. */
async function publish(layout: Layout, draft: string, digest: string): Promise<void> {
  const place = contentPath(layout, digest);
  const isThere = async () => (await readdir(place).catch(() => [])).length > 0;
  if (await isThere()) return;
  await syncTree(draft);
  await rename(draft, place).catch(async (error: unknown) => {
    if (!(await isThere())) throw error;
  });
  await syncDirectory(layout.content);
}

async function* readSource(file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* readFileBytes(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof PyroError && "path" in error.details === false) throw error;
    throw new PyroError("SOURCE_UNREADABLE", `${file} cannot be read${code ? `: ${code}` : ""}.`, {
      hint: "Name a file that the daemon may read.",
      details: { path: file },
    });
  }
}

async function nextEntry(entries: AsyncIterator<ArchiveEntry>, name: string): Promise<ArchiveEntry> {
  const { value, done } = await entries.next();
  if (done !== true && value.path === name && value.type === "file") return value;
  throw corrupt(`${name} is not where it should be`);
}

async function readText({ content, sizeBytes }: ArchiveEntry): Promise<string> {
  if (sizeBytes > MOST_RECORD_BYTES) throw corrupt("a record is too long");
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces).toString("utf8");
}

type Expected = Manifest["files"][number] | null;

function expectedOf(manifest: Manifest, name: string): NonNullable<Expected> {
  const expected = manifest.files.find((file) => file.name === name);
  if (expected) return expected;
  throw corrupt(`its manifest does not name ${name}`);
}

/** Writes a file, and checks its digest if it is known. */
async function writePart(
  { content }: ArchiveEntry,
  path: string,
  expected: Expected,
  signal: AbortSignal,
): Promise<void> {
  const hash = createHash("sha256");
  const file = await open(path, "wx", 0o600);
  try {
    for await (const bytes of whileRoom(content, join(path, ".."), "An environment")) {
      signal.throwIfAborted();
      hash.update(bytes);
      await file.writeFile(bytes);
    }
  } finally {
    await file.close();
  }
  if (expected !== null && hash.digest("hex") !== expected.sha256) throw corrupt(`${expected.name} has another digest`);
  await chmod(path, READ_ONLY);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function explain(error: unknown): PyroError {
  const known = PyroError.from(error);
  return known.code.startsWith("ARCHIVE_") ? corrupt(known.message) : known;
}

function corrupt(reason: string): PyroError {
  return new PyroError("ENVIRONMENT_CORRUPT", `The file is not a whole environment: ${reason}.`, {
    hint: "Export the environment again with this version of pyro.",
    details: { reason },
  });
}
