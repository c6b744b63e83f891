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

/** Lets the commit remove missing entries: files and links first, then directories, the deepest first. */
export async function stageRemovals(
  stage: Stage,
  earlier: AsyncIterable<PushedFile>,
  isGone: (path: string) => boolean,
  onRemoval: (path: string) => void = () => {},
): Promise<void> {
  const directories: PushedFile[] = [];
  for await (const file of earlier) {
    if (!isGone(file.path)) continue;
    onRemoval(file.path.replace(/\/$/, ""));
    if (file.path.endsWith("/")) directories.push(file);
    else await stage.remove(file.path, false, file.at);
  }
  directories.sort((a, b) => (a.path < b.path ? 1 : -1));
  for (const { path, at } of directories) await stage.remove(path.slice(0, -1), true, at);
}
