import { dirname, join } from "node:path";

import { type ErrorCode } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import { realpath } from "../../host/files.js";
import { type Found, hasDisappeared, mayRead, statBig, walkTree } from "../../host/tree.js";
import { describe, HardLinks } from "./describe.js";
import { Names, unsendable } from "./failure.js";
import { leavesTree } from "../../host/leaves-tree.js";
import { belongsToGit, belongsToWorktree, findGitData } from "./git-data.js";
import type { PackOptions } from "./options.js";
import type { Report } from "./report.js";

/** One entry to send. */
export interface Planned {
  readonly path: string;
  /** Its path on this host, if it differs from the path beneath the root. Up to a million names are kept, so no path is stored twice. */
  readonly elsewhere: string | null;
  readonly isDirectory: boolean;
  /** The content to send instead of the file's. */
  readonly text?: string;
}

export interface Scan {
  /** In the order in which they are sent, directories before their content. */
  readonly plan: readonly Planned[];
  readonly excludedCount: number;
  /** Bytes of all files, at their size during the walk. */
  readonly contentBytes: number;
}

export type Excludes = (path: string, isDirectory: boolean) => boolean;

/** A directory that is walked: the source, or one behind a link that was followed. */
interface Walked {
  readonly root: string;
  readonly path: string;
  /** The directories that hold the links on the way here. Following a link to one of them would never end. */
  readonly before: readonly string[];
  /** For one of several directories that are put together: which of its entries are left out, and what others have brought. */
  readonly part?: { readonly leavesOut: (path: string) => boolean; readonly seen: Set<string> };
}

/** Walks a tree once and lists the entries to send. Throws an error that names all entries that cannot be sent. */
export async function scanTree(root: string, excludes: Excludes, report: Report, options: PackOptions): Promise<Scan> {
  const scanner = new Scanner(root, excludes, report, options);
  await scanner.walk({ root, path: "", before: [] });
  return scanner.finish();
}

/** The same for one file, whose name in the tree is given. */
export async function scanFile(
  name: string,
  absolutePath: string,
  excludes: Excludes,
  report: Report,
  options: PackOptions,
): Promise<Scan> {
  const scanner = new Scanner(dirname(absolutePath), excludes, report, options);
  await scanner.addFile(name, absolutePath);
  return scanner.finish();
}

class Scanner {
  readonly #root: string;
  readonly #excludes: Excludes;
  readonly #report: Report;
  readonly #options: PackOptions;
  readonly #plan: Planned[] = [];
  readonly #hardLinks = new HardLinks();
  readonly #problems = new Map<ErrorCode, Names>();
  /** Root may read everything; asking costs a call for each file. */
  readonly #asksForAccess = process.getuid?.() !== 0;
  /** Each `.git` that was put together from several places. */
  readonly #completed = new Set<string>();
  #excludedCount = 0;
  #contentBytes = 0;

  constructor(root: string, excludes: Excludes, report: Report, options: PackOptions) {
    this.#root = root;
    this.#report = report;
    this.#options = options;
    this.#excludes = (path, isDirectory) => {
      const excluded = excludes(path, isDirectory);
      if (excluded) this.#excludedCount += 1;
      return excluded;
    };
  }

  async walk(walked: Walked): Promise<void> {
    const { signal } = this.#options;
    const onUnreadable = (path: string, error: NodeJS.ErrnoException) => {
      // A tree in use loses names at any time; the root itself must be there.
      if (path !== "." && hasDisappeared(error)) this.#report.disappeared.add(path);
      else this.#addProblem("SOURCE_UNREADABLE", path);
    };
    for await (const found of walkTree(
      walked.root,
      { signal, excludes: this.#excludesIn(walked), onUnreadable },
      walked.path,
    )) {
      if (this.#isFull()) break;
      if (walked.part?.seen.has(found.path) || (await this.#addGit(found))) continue;
      walked.part?.seen.add(found.path);
      if (!this.#isLeaving(found, walked)) await this.#add(found);
      else if (this.#options.links === "follow") await this.#follow(found, walked);
      else if (this.#options.links === "skip") this.#report.leavingLinks.add(found.path);
      else this.#addProblem("ARCHIVE_LINK_ESCAPES", found.path);
    }
  }

  #excludesIn({ path: top, part }: Walked): Excludes {
    if (part === undefined) {
      return (path, isDirectory) => this.#completed.has(dirname(path)) || this.#excludes(path, isDirectory);
    }
    return (path, isDirectory) => part.leavesOut(path.slice(top.length + 1)) || this.#excludes(path, isDirectory);
  }

  /** Sends a `.git` with all of its data, if requested and if its data is in several places. */
  async #addGit(found: Found): Promise<boolean> {
    const { path, absolutePath } = found;
    if (this.#options.withGit !== true || (path !== ".git" && !path.endsWith("/.git"))) return false;
    const data = await findGitData(absolutePath, this.#root).catch(() => null);
    if (data === null) return false;
    const { gitDirectory, commonDirectory, alternates, rewritten } = data;
    this.#completed.add(path);
    const seen = new Set<string>();
    await this.#add({
      path,
      absolutePath: gitDirectory,
      isUtf8: true,
      stat: await statBig(gitDirectory),
      target: null,
    });
    const walk = (root: string, at: string, belongs: (path: string) => boolean) =>
      this.walk({ root, path: at, before: [], part: { leavesOut: (name) => !belongs(name), seen } });
    await walk(gitDirectory, path, (name) => belongsToGit(data, name));
    if (commonDirectory !== null) await walk(commonDirectory, path, (name) => belongsToWorktree(data, name));
    for (const directory of alternates) await walk(directory, `${path}/objects`, (name) => name !== "info");
    for (const { name, source, text } of rewritten) {
      this.#plan.push({ path: `${path}/${name}`, elsewhere: source, isDirectory: false, text });
      this.#contentBytes += Buffer.byteLength(text);
    }
    return true;
  }

  async addFile(path: string, absolutePath: string): Promise<void> {
    if (this.#excludes(path, false)) return;
    await this.#add({ path, absolutePath, isUtf8: true, stat: await statBig(absolutePath), target: null });
  }

  finish(): Scan {
    for (const [code, names] of this.#problems) throw unsendable(code, names);
    return { plan: this.#plan, excludedCount: this.#excludedCount, contentBytes: this.#contentBytes };
  }

  /** Whether this is a link that leads out of the tree, and the choice for links is not `keep`. */
  #isLeaving({ absolutePath, target }: Found, { root }: Walked): boolean {
    const { links } = this.#options;
    const isChosen = links === "skip" || links === "follow" || links === "refuse";
    return isChosen && target !== null && leavesTree(root, absolutePath, target.toString("utf8"), links === "follow");
  }

  async #follow({ path, absolutePath, isUtf8 }: Found, walked: Walked): Promise<void> {
    const before = [...walked.before, dirname(absolutePath)];
    let found: Found;
    try {
      const real = await realpath(absolutePath);
      found = { path, absolutePath: real, isUtf8, stat: await statBig(real), target: null };
    } catch (error) {
      if (hasDisappeared(error)) this.#report.deadLinks.add(path);
      else this.#addProblem("SOURCE_UNREADABLE", path);
      return;
    }
    const isDirectory = found.stat.isDirectory();
    if (isDirectory && before.some((directory) => isWithin(directory, found.absolutePath))) {
      this.#report.deadLinks.add(path);
      return;
    }
    if (isDirectory && this.#excludes(path, true)) return;
    await this.#add(found);
    if (isDirectory) await this.walk({ root: found.absolutePath, path, before });
  }

  async #add(found: Found): Promise<void> {
    const { path, absolutePath, stat } = found;
    const entry = describe(found, this.#hardLinks.firstOf(stat));
    if (entry === null) return this.#report.special.add(path);
    const problem = await this.#problemOf(found);
    if (problem !== null) return this.#addProblem(problem, path);
    if (entry.type === "file") this.#hardLinks.add(path, stat);
    this.#contentBytes += entry.sizeBytes;
    const elsewhere = absolutePath === join(this.#root, path) ? null : absolutePath;
    this.#plan.push({ path, elsewhere, isDirectory: entry.type === "directory" });
    this.#options.onScan?.(this.#plan.length);
    if (this.#isFull()) this.#addProblem("ARCHIVE_TOO_MANY_ENTRIES", path);
  }

  #isFull(): boolean {
    return this.#plan.length > limits.importEntries;
  }

  /** Why an entry cannot be sent. */
  async #problemOf({ path, absolutePath, isUtf8, stat, target }: Found): Promise<ErrorCode | null> {
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!isUtf8 || (target !== null && !Buffer.from(target.toString("utf8")).equals(target))) {
      return "ARCHIVE_NAME_INVALID";
    }
    if (Buffer.byteLength(path) > limits.importPathBytes || Buffer.byteLength(name) > limits.importNameBytes) {
      return "ARCHIVE_PATH_TOO_LONG";
    }
    if (this.#asksForAccess && stat.isFile() && !(await mayRead(absolutePath))) return "SOURCE_UNREADABLE";
    return null;
  }

  #addProblem(code: ErrorCode, path: string): void {
    const names = this.#problems.get(code) ?? new Names();
    this.#problems.set(code, names);
    names.add(path);
  }
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(outer === "/" ? "/" : `${outer}/`);
}
