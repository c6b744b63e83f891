import { join } from "node:path";
import { z } from "zod";

import { copyFile, mkdir, listNames, rename, rm } from "../host/files.js";
import { readGzipLines, writeGzipLines } from "../host/gzip-lines.js";
import { ancestorsOf, type Entry, type Manifest } from "../workspace/entry.js";
import { BaseContent } from "./base-content.js";
import { ContentKeeper } from "./content-keeper.js";

/** The last common state of host and workspace. */
export interface Base {
  /** The directory on the client's machine that the base stands for; null before the first seed, push or pull of one. */
  readonly origin: string | null;
  readonly manifest: Manifest;
}

/** Records the entries of an import while they are sent to the guest. Files count as equal when their SHA-256 is. */
export interface BaseRecorder {
  add(path: string, entry: Entry): void;
  /** Passes a file's content on, and adds the file when all of it has passed. */
  file(path: string, mode: number, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer>;
  /** An entry is a hard link to an earlier one. */
  link(path: string, earlier: string): void;
  remove(path: string): void;
  /** Writes the recorded entries to disk. `settle` makes them a part of the base. */
  prepare(): Promise<void>;
}

const PENDING = ".new";
const LAST = "last.gz";
const SEED = "seed.gz";

const header = z.object({ format: z.literal(1), origin: z.string().nullable() });
const mode = z.int().min(0).max(0o777);
const stored = z.union([
  z.tuple([z.string(), z.literal("f"), mode, z.int().min(0), z.hash("sha256")]),
  z.tuple([z.string(), z.literal("d"), mode]),
  z.tuple([z.string(), z.literal("l"), z.string()]),
  /** The path no longer has an entry; only in the record of an import. */
  z.tuple([z.string(), z.literal("x")]),
]);
type Stored = z.infer<typeof stored>;

/**
 * The base of one task's workspace: `base/last.gz`, a format line and a line for each entry, and `base/seed.gz`, the same as it was
 * after the task was created. An import's entries are written as `base/ID.new` before its commit and become part of the base after it.
 */
export class WorkspaceBase {
  readonly content: BaseContent;
  readonly #directory: string;

  constructor(taskDirectory: string, maxContentBytes?: number) {
    this.#directory = join(taskDirectory, "base");
    this.content = new BaseContent(this.#directory, maxContentBytes);
  }

  /** The base; empty when nothing was imported yet. Throws when its file is damaged. */
  async read(since: "seed" | "push" = "push"): Promise<Base> {
    const { origin, entries } = await this.#load(since === "seed" ? SEED : LAST);
    const manifest = new Map<string, Entry>();
    for (const entry of entries) overlay(manifest, entry);
    return { origin, manifest };
  }

  /** Records an import beneath a path of the workspace. `origin` is a directory that stands for all of the workspace, or null. */
  record(id: string, beneath: string, origin: string | null): BaseRecorder {
    return new Recorder(this.content, beneath, (entries) => this.#write(`${id}${PENDING}`, origin, entries));
  }

  /** Makes an import a part of the base, or drops it. An import that was settled before is not touched again. */
  async settle(id: string, isSwitchedIn: boolean): Promise<void> {
    const pending = `${id}${PENDING}`;
    if (!(await listNames(this.#directory)).includes(pending)) return;
    if (isSwitchedIn) {
      const brought = await this.#load(pending);
      await this.#overlay(brought.origin, brought.entries);
    }
    await rm(join(this.#directory, pending), { force: true });
  }

  /** Makes the present base the one that the task was created with. */
  async keepAsSeed(): Promise<void> {
    if ((await listNames(this.#directory)).includes(LAST))
      await copyFile(join(this.#directory, LAST), join(this.#directory, SEED));
  }

  /** False for a task that an older pyro created, or whose file is gone. */
  async hasSeed(): Promise<boolean> {
    return (await listNames(this.#directory)).includes(SEED);
  }

  /** Makes the base that the task was created with the present one. */
  async returnToSeed(): Promise<void> {
    await copyFile(join(this.#directory, SEED), join(this.#directory, LAST));
  }

  /** Takes entries that host and workspace have in common now; null: neither has the path. */
  async advance(origin: string | null, changes: Iterable<readonly [string, Entry | null]>): Promise<void> {
    await this.#overlay(
      origin,
      Array.from(changes, ([path, entry]) => toStored(path, entry)),
    );
  }

  /** Removes leftovers of incomplete imports, except the named ones. */
  async sweep(openIds: readonly string[]): Promise<void> {
    for (const name of await listNames(this.#directory)) {
      const isOpen = openIds.some((id) => name === `${id}${PENDING}`);
      if (name.endsWith(PENDING) && !isOpen) await rm(join(this.#directory, name), { force: true });
    }
  }

  async #overlay(origin: string | null, entries: readonly Stored[]): Promise<void> {
    const { origin: before, manifest } = await this.read();
    const merged = new Map(manifest);
    for (const entry of entries) overlay(merged, entry);
    const fresh = `${LAST}${PENDING}`;
    await rm(join(this.#directory, fresh), { force: true });
    await this.#write(
      fresh,
      origin ?? before,
      Array.from(merged, ([path, entry]) => toStored(path, entry)),
    );
    await rename(join(this.#directory, fresh), join(this.#directory, LAST));
    await this.#shrinkContent(merged);
  }

  /** Makes room for new content. When that fails, what is kept stays. */
  async #shrinkContent(manifest: Manifest): Promise<void> {
    const live = async () => new Set([manifest, (await this.read("seed")).manifest].flatMap(digestsOf));
    await this.content.shrink(live).catch(() => {});
  }

  async #load(name: string): Promise<{ origin: string | null; entries: Stored[] }> {
    const entries: Stored[] = [];
    let origin: string | null = null;
    if (!(await listNames(this.#directory)).includes(name)) return { origin, entries };
    let isFirst = true;
    for await (const line of readGzipLines(join(this.#directory, name))) {
      if (isFirst) ({ origin } = header.parse(JSON.parse(line)));
      else entries.push(stored.parse(JSON.parse(line)));
      isFirst = false;
    }
    return { origin, entries };
  }

  async #write(name: string, origin: string | null, entries: Iterable<Stored>): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    await writeGzipLines(join(this.#directory, name), linesOf(origin, entries));
  }
}

class Recorder implements BaseRecorder {
  readonly #keeper: ContentKeeper;
  readonly #beneath: string;
  readonly #write: (entries: Iterable<Stored>) => Promise<void>;
  readonly #entries = new Map<string, Entry | null>();

  constructor(content: BaseContent, beneath: string, write: (entries: Iterable<Stored>) => Promise<void>) {
    this.#keeper = new ContentKeeper(content);
    this.#beneath = beneath;
    this.#write = write;
  }

  add(path: string, entry: Entry): void {
    this.#entries.set(this.#pathOf(path), entry);
  }

  file(path: string, mode: number, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    return this.#keeper.pass(content, (sizeBytes, digest) => {
      this.#entries.set(this.#pathOf(path), { type: "file", mode, sizeBytes, digest });
    });
  }

  link(path: string, earlier: string): void {
    const entry = this.#entries.get(this.#pathOf(earlier));
    if (entry) this.add(path, entry);
  }

  remove(path: string): void {
    this.#entries.set(this.#pathOf(path), null);
  }

  async prepare(): Promise<void> {
    await this.#keeper.flush();
    await this.#write(Array.from(this.#entries, ([path, entry]) => toStored(path, entry)));
  }

  #pathOf(path: string): string {
    return this.#beneath === "" ? path : `${this.#beneath}/${path}`;
  }
}

async function* linesOf(origin: string | null, entries: Iterable<Stored>): AsyncGenerator<string> {
  yield JSON.stringify({ format: 1, origin });
  for (const entry of entries) yield JSON.stringify(entry);
}

function digestsOf(manifest: Manifest): string[] {
  return Array.from(manifest.values(), (entry) => (entry.type === "file" ? [entry.digest] : [])).flat();
}

function toStored(path: string, entry: Entry | null): Stored {
  if (entry === null) return [path, "x"];
  if (entry.type === "directory") return [path, "d", entry.mode];
  if (entry.type === "link") return [path, "l", entry.target];
  return [path, "f", entry.mode, entry.sizeBytes, entry.digest];
}

function overlay(manifest: Map<string, Entry>, entry: Stored): void {
  const [path, type] = entry;
  if (type === "x") return void manifest.delete(path);
  // Directories that an import only implied.
  for (const parent of ancestorsOf(path)) {
    if (manifest.get(parent)?.type !== "directory") manifest.set(parent, { type: "directory", mode: 0o755 });
  }
  if (type !== "d" && manifest.get(path)?.type === "directory") {
    for (const inner of manifest.keys()) if (inner.startsWith(`${path}/`)) manifest.delete(inner);
  }
  if (type === "d") manifest.set(path, { type: "directory", mode: entry[2] });
  else if (type === "l") manifest.set(path, { type: "link", target: entry[2] });
  else manifest.set(path, { type: "file", mode: entry[2], sizeBytes: entry[3], digest: entry[4] });
}
