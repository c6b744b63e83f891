import { byPath, type Entry, isEqual, type Manifest } from "./entry.js";

/** An entry that differs between a base and a workspace. Null: the side has no entry of that path. */
export interface Change {
  readonly path: string;
  readonly base: Entry | null;
  readonly task: Entry | null;
}

/** A removed file with the same content as an added file. */
export interface Rename {
  readonly from: string;
  readonly to: string;
}

/** The changes of a workspace since the base, ordered by path; with `isAll` the equal entries too. */
export function findChanges(base: Manifest, task: Manifest, isAll = false): Change[] {
  const changes: Change[] = [];
  for (const [path, entry] of task) {
    const before = base.get(path) ?? null;
    if (isAll || !isEqual(before, entry)) changes.push({ path, base: before, task: entry });
  }
  for (const [path, entry] of base) if (!task.has(path)) changes.push({ path, base: entry, task: null });
  return changes.toSorted((a, b) => byPath(a.path, b.path));
}

/** Pairs removed files with added files of the same content, each at most once; the same name is preferred. Empty files are not paired. */
export function findRenames(changes: readonly Change[]): Rename[] {
  const removed = new Map<string, string[]>();
  for (const { path, base, task } of changes) {
    if (task !== null || base?.type !== "file" || base.sizeBytes === 0) continue;
    const paths = removed.get(base.digest) ?? [];
    paths.push(path);
    removed.set(base.digest, paths);
  }
  const renames: Rename[] = [];
  for (const { path, base, task } of changes) {
    if (base !== null || task?.type !== "file") continue;
    const candidates = removed.get(task.digest) ?? [];
    if (candidates.length === 0) continue;
    const named = candidates.findIndex((candidate) => nameOf(candidate) === nameOf(path));
    const [from] = candidates.splice(Math.max(0, named), 1);
    if (from !== undefined) renames.push({ from, to: path });
  }
  return renames;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
