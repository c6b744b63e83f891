import { readlinkSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";

/** Maximum number of links on a path, as in Linux. */
const MOST_LINKS = 40;

/**
 * Whether a link in a directory of this host leads out of that directory, also through other links. An absolute target always does.
 * With `follows`, another link on the way that leads out counts as the file or directory that is sent in its place.
 */
export function leavesTree(
  root: string,
  link: string,
  target: string,
  follows: boolean,
  walked = { links: 0 },
): boolean {
  if (target.startsWith("/")) return true;
  const at = relative(root, dirname(link)).split(sep).filter(Boolean);
  const todo = partsOf(target);
  for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
    if (part === "..") {
      if (at.pop() === undefined) return true;
      continue;
    }
    at.push(part);
    const path = join(root, ...at);
    const inner = readLink(path);
    if (inner === null || ++walked.links > MOST_LINKS) continue;
    if (follows && leavesTree(root, path, inner, follows, walked)) continue;
    if (inner.startsWith("/")) return true;
    at.pop();
    todo.unshift(...partsOf(inner));
  }
  return false;
}

function partsOf(target: string): string[] {
  return target.split("/").filter((part) => part !== "" && part !== ".");
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
