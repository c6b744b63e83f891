import { basename, dirname, join } from "node:path";

import type { ArchiveEntry } from "../../archive/entry.js";
import { createFilter } from "../../archive/filter.js";
import { writeArchive } from "../../archive/write.js";
import { PyroError } from "../../contract/errors.js";
import { openLiveFile } from "../../host/live-file.js";
import { type Found, hasDisappeared, lookAgain } from "../../host/tree.js";
import { describe, HardLinks, typeOf } from "./describe.js";
import { sourceChanged, unreadableEntry } from "./failure.js";
import { GitFiles } from "./git-files.js";
import { noteGit } from "./git.js";
import type { PackedSource, PackOptions } from "./options.js";
import { Report } from "./report.js";
import { type Excludes, type Planned, type Scan, scanFile, scanTree } from "./scan.js";

/** How often an entry whose type changes between two looks is examined again. */
const TRIES = 3;

/**
 * A directory as a tar stream. It is walked before a byte is sent, to count and to name all that cannot be sent. Then each entry is
 * sent as it is at that moment: an entry that has disappeared is left out, a new one is not looked for, and both that and a file
 * that keeps changing are reported.
 */
export async function packDirectory(root: string, options: PackOptions): Promise<PackedSource> {
  const report = new Report();
  const scan = await scanTree(root, await excludesOfDirectory(root, options), report, options);
  await noteGit(root, scan.plan, report);
  return packScanned("directory", root, scan, report, options);
}

/** One file as a tar stream: named by the last part of the given path, with the content of the file that the path leads to. */
export async function packFile(path: string, resolved: string, options: PackOptions): Promise<PackedSource> {
  const report = new Report();
  const scan = await scanFile(basename(path), resolved, excludesOf(options), report, options);
  return packScanned("file", resolved, scan, report, options);
}

/** With `gitTracked`, what Git does not track is left out too, unless `include` names it. */
async function excludesOfDirectory(root: string, options: PackOptions): Promise<Excludes> {
  const excludes = excludesOf(options);
  if (options.withGit && lookAgain(".git", join(root, ".git")) === null) throw noGit(root);
  if (!options.gitTracked) return excludes;
  const files = await GitFiles.list(root, options.include ?? [], options.signal);
  const isWanted = (path: string, isDirectory: boolean) =>
    files.has(path, isDirectory) || (options.withGit === true && files.isData(path));
  return (path, isDirectory) => excludes(path, isDirectory) || !isWanted(path, isDirectory);
}

function noGit(root: string): PyroError {
  return new PyroError("SOURCE_UNSUPPORTED", `There is no .git in ${root}.`, {
    hint: "With --with-git, name the top directory of a Git work tree.",
    details: { path: root },
  });
}

function excludesOf(options: PackOptions): Excludes {
  const filter = createFilter(options);
  return (path, isDirectory) => filter?.excludes(path, isDirectory) ?? false;
}

function packScanned(
  kind: "directory" | "file",
  path: string,
  { plan, excludedCount, contentBytes }: Scan,
  report: Report,
  { signal }: PackOptions,
): PackedSource {
  async function* entries(): AsyncGenerator<ArchiveEntry> {
    const sender = new Sender(kind === "file" ? dirname(path) : path, report);
    for (const planned of plan) {
      signal?.throwIfAborted();
      const entry = await sender.read(planned);
      if (entry === null) report.disappeared.add(planned.path);
      else yield entry;
    }
    if (lookAgain("", path) === null) sourceChanged(path);
  }
  const stream = writeArchive(entries());
  return { kind, path, contentBytes, entryCount: plan.length, excludedCount, stream, report: () => report.render() };
}

/** Reads one planned entry after the other. */
class Sender {
  readonly #root: string;
  readonly #report: Report;
  readonly #hardLinks = new HardLinks();

  constructor(root: string, report: Report) {
    this.#root = root;
    this.#report = report;
  }

  /** The present state of an entry; null when it has disappeared or changed its type. */
  async read(planned: Planned): Promise<ArchiveEntry | null> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#read(planned);
      } catch (error) {
        if (error instanceof PyroError || !hasDisappeared(error)) throw asUnreadable(error, planned.path);
        if (tries === TRIES) return null;
      }
    }
  }

  async #read({ path, elsewhere, isDirectory, text }: Planned): Promise<ArchiveEntry | null> {
    const absolutePath = elsewhere ?? join(this.#root, path);
    const found = lookAgain(path, absolutePath);
    if (found === null || isDirectory !== found.stat.isDirectory()) return null;
    if (text !== undefined) return asText(found, Buffer.from(text));
    const first = this.#hardLinks.firstOf(found.stat);
    if (typeOf(found.stat) !== "file" || first !== null) {
      const entry = describe(found, first);
      return entry && { ...entry, content: nothing() };
    }
    const file = await openLiveFile(absolutePath, () => this.#report.unsteady.add(path));
    this.#hardLinks.add(path, file.stat);
    const entry = describe({ ...found, stat: file.stat });
    return entry && { ...entry, sizeBytes: file.sizeBytes, pieces: file.pieces, content: named(file.content, path) };
  }
}

/** A file with another content than its own. */
function asText(found: Found, content: Buffer): ArchiveEntry | null {
  const entry = describe(found);
  return (
    entry && {
      ...entry,
      sizeBytes: content.length,
      content: (async function* () {
        yield content;
      })(),
    }
  );
}

/** Content that fails names its entry. */
async function* named(content: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* content;
  } catch (error) {
    throw asUnreadable(error, path);
  }
}

function asUnreadable(error: unknown, path: string): unknown {
  const isOfTheSystem = !(error instanceof PyroError) && (error as NodeJS.ErrnoException).code !== undefined;
  return isOfTheSystem ? unreadableEntry(path, error) : error;
}

async function* nothing(): AsyncGenerator<Buffer> {}
