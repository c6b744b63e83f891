import type { Filter } from "../../archive/filter.js";
import { PyroError } from "../../contract/errors.js";
import type { Channel } from "../../guest/channel.js";
import type { Stage } from "../../guest/stage.js";
import type { PushedFile } from "../../store/pushed-files.js";

/** Throws FAILED_PRECONDITION when the agent of an older pyro runs in the VM. */
export function assertRemoves(channel: Channel): void {
  if (channel.hello.removes === true) return;
  throw new PyroError(
    "FAILED_PRECONDITION",
    "An older pyro started the task; its agent cannot delete files together with other changes.",
    {
      hint: "Create the task again. A push works without `--delete`.",
    },
  );
}

/** True when a source no longer has an entry of an earlier push. Excluded entries are not checked. */
export function isGone(path: string, paths: ReadonlySet<string>, filter: Filter | null): boolean {
  return !paths.has(path) && !isLeftOut(path, filter);
}

function isLeftOut(path: string, filter: Filter | null): boolean {
  const isDirectory = path.endsWith("/");
  return filter !== null && filter.excludedRoot(isDirectory ? path.slice(0, -1) : path, isDirectory) !== null;
}

/**
 * Returns a function that is true for an entry of an earlier push whose name a source has for an entry of another type: a directory
 * instead of a file or link, or the reverse.
 */
export function replacedIn(paths: ReadonlySet<string>): (path: string) => boolean {
  let directories: Set<string> | null = null;
  return (path) => {
    if (paths.has(path)) return false;
    if (path.endsWith("/")) return paths.has(path.slice(0, -1));
    directories ??= directoriesOf(paths);
    return directories.has(path);
  };
}

/** The directories of a source, without their slashes; an archive may only imply some. */
function directoriesOf(paths: Iterable<string>): Set<string> {
  const found = new Set<string>();
  for (const path of paths) {
    let end = path.lastIndexOf("/");
    for (; end > 0 && !found.has(path.slice(0, end)); end = path.lastIndexOf("/", end - 1))
      found.add(path.slice(0, end));
  }
  return found;
}

/** Decides about entries of earlier pushes. */
export interface Removed {
  /** The source has another type under this name. */
  readonly isReplaced: (path: string) => boolean;
  readonly isGone: (path: string) => boolean;
}

/** Lets the commit remove entries that are replaced or gone: files and links first, then directories, the deepest first. */
export async function stageRemovals(
  stage: Stage,
  earlier: AsyncIterable<PushedFile>,
  { isReplaced, isGone }: Removed,
  onGone: (path: string) => void = () => {},
): Promise<void> {
  const directories: PushedFile[] = [];
  for await (const file of earlier) {
    const isOther = isReplaced(file.path);
    if (!isOther && !isGone(file.path)) continue;
    if (!isOther) onGone(file.path.replace(/\/$/, ""));
    if (file.path.endsWith("/")) directories.push(file);
    else await stage.remove(file.path, false, file.at);
  }
  directories.sort((a, b) => (a.path < b.path ? 1 : -1));
  for (const { path, at } of directories) await stage.remove(path.slice(0, -1), true, at);
}
