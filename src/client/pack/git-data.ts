import { basename, dirname, isAbsolute, join, resolve } from "node:path";

import { existsSync, lstatSync, readFile, realpath } from "../../host/files.js";

/** The parts of a `.git` whose data are in several places. */
export interface GitData {
  /** HEAD, the index, and all the rest unless there is a common directory. */
  readonly gitDirectory: string;
  /** The repository that a worktree shares with others. */
  readonly commonDirectory: string | null;
  /** Object directories that are borrowed from. */
  readonly alternates: readonly string[];
  /** True when all of its data is elsewhere, not only its objects. */
  readonly isMoved: boolean;
  /** Configuration files as the new place needs them. */
  readonly rewritten: readonly { readonly name: string; readonly source: string; readonly text: string }[];
}

/** The longest `.git` file that is read. */
const POINTER_BYTES = 8_192;
/** Maximum length of a chain of repositories that borrow from each other, as in Git. */
const ALTERNATES_DEEP = 5;

/** The parts of a common directory that a worktree uses; HEAD, the index and unfinished operations are its own. */
const COMMON = new Set(
  "branches config hooks info lfs logs objects packed-refs refs remotes rr-cache shallow svn".split(" "),
);
const OF_ONE_WORKTREE = /^(info\/sparse-checkout|logs\/HEAD|(logs\/)?refs\/(bisect|rewritten|worktree))$/;
const NOT_OF_A_REPOSITORY = new Set(["commondir", "gitdir", "locked", "modules", "worktrees", "index.lock"]);

/**
 * The parts of a `.git` that does not hold all of its data, or whose data would not be found at another place; null for one that is
 * complete as it is, and for one that leads nowhere. `root` is the source: data within it is sent anyway, so a relative `.git` file that
 * points there is complete.
 */
export async function findGitData(path: string, root: string): Promise<GitData | null> {
  const found = await findGitDirectory(path, root);
  if (found === null) return null;
  const { gitDirectory, isMoved } = found;
  const common = await readText(join(gitDirectory, "commondir"));
  const commonDirectory = common === null ? null : await realpath(resolve(gitDirectory, common.trimEnd()));
  // With the reftable format the references of a worktree are in several files that cannot be joined.
  if (commonDirectory !== null && existsSync(join(gitDirectory, "reftable"))) return null;
  const shared = commonDirectory ?? gitDirectory;
  const alternates = await findAlternates(join(shared, "objects"), 0);
  if (!isMoved && alternates.length === 0) return null;
  const settings = isMoved ? [join(shared, "config"), join(gitDirectory, "config.worktree")] : [];
  const rewritten = [];
  for (const source of settings) {
    const text = await readText(source);
    if (text !== null) rewritten.push({ name: basename(source), source, text: settle(text) });
  }
  return { gitDirectory, commonDirectory, alternates, isMoved, rewritten };
}

/** Whether an entry of the Git directory belongs into the one `.git` that is sent. */
export function belongsToGit({ alternates, isMoved, rewritten }: GitData, path: string): boolean {
  if (path === "objects/info/alternates") return alternates.length === 0;
  return !isMoved || !(NOT_OF_A_REPOSITORY.has(path) || rewritten.some(({ name }) => name === path));
}

/** The same for an entry of the common directory. */
export function belongsToWorktree({ alternates }: GitData, path: string): boolean {
  const [top = ""] = path.split("/");
  if (path === "config" || (path === "objects/info/alternates" && alternates.length > 0)) return false;
  return COMMON.has(top) && !OF_ONE_WORKTREE.test(path);
}

async function findGitDirectory(
  path: string,
  root: string,
): Promise<{ gitDirectory: string; isMoved: boolean } | null> {
  const stat = lstatSync(path);
  if (stat.isDirectory()) return { gitDirectory: path, isMoved: false };
  let target = await realpath(path);
  if (stat.isFile()) {
    if (stat.size > POINTER_BYTES) return null;
    const [, given] = /^gitdir: (.*)/.exec(await readFile(path, "utf8")) ?? [];
    if (given === undefined) return null;
    target = await realpath(resolve(dirname(path), given.trimEnd()));
    if (!isAbsolute(given) && target.startsWith(`${root}/`)) return null;
  }
  const isRepository =
    existsSync(join(target, "HEAD")) && ["objects", "commondir"].some((name) => existsSync(join(target, name)));
  return isRepository ? { gitDirectory: target, isMoved: true } : null;
}

async function findAlternates(objects: string, depth: number): Promise<string[]> {
  if (depth > ALTERNATES_DEEP) return [];
  const text = (await readText(join(objects, "info/alternates"))) ?? "";
  const named = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const found: string[] = [];
  for (const line of named) {
    const directory = await realpath(resolve(objects, line)).catch(() => null);
    if (directory !== null) found.push(directory, ...(await findAlternates(directory, depth + 1)));
  }
  return [...new Set(found)];
}

/**
 * The configuration of a `.git` that is sent: not bare, with the directory above it as its work tree. The last value of a setting counts.
 */
function settle(config: string): string {
  const worktree = /^\s*worktree\s*=/im.test(config) ? "\tworktree = ..\n" : "";
  return `${config.replace(/\n?$/, "\n")}[core]\n\tbare = false\n${worktree}`;
}

async function readText(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch(() => null);
}
