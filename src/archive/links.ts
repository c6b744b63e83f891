import { refusal } from "./refusal.js";
import type { Node, Tree } from "./tree.js";

/** The place that a link leads to: a name of the tree, and the number of parts below it for which the archive has no entry. */
type Place = typeof OUTSIDE | typeof NOWHERE | { readonly node: Node; readonly depth: number };
const OUTSIDE = "outside";
/** The place of a link that is being followed; a link that leads there is in a loop. */
const NOWHERE = "nowhere";

/** A link on the way, and how far its target has been walked. */
interface Walk {
  readonly link: Node;
  readonly parts: readonly string[];
  next: number;
  node: Node;
  depth: number;
  isOutside: boolean;
}

/**
 * The links that leave the root, also through other links. It runs at the end, since a link may come after another that leads through
 * it. Each target is walked once, however many links lead to it; a link that leads back to itself counts as a missing name.
 */
export function findLeavingLinks(links: Iterable<Node>, tree: Tree): Node[] {
  const places = new Map<Node, Place>();
  const leaving: Node[] = [];
  for (const link of links) {
    if (!places.has(link)) resolve(link, places, tree);
    if (places.get(link) === OUTSIDE) leaving.push(link);
  }
  return leaving;
}

function resolve(start: Node, places: Map<Node, Place>, tree: Tree): void {
  const begin = (link: Node): Walk => {
    places.set(link, NOWHERE);
    const target = link.target ?? "";
    const isOutside = target.startsWith("/");
    return { link, parts: target.split("/"), next: 0, node: link.parent ?? tree.root, depth: 0, isOutside };
  };
  const walks = [begin(start)];
  for (let walk = walks.at(-1); walk !== undefined; walk = walks.at(-1)) {
    const part = walk.isOutside ? undefined : walk.parts[walk.next++];
    if (part === undefined) {
      const place = walk.isOutside ? OUTSIDE : { node: walk.node, depth: walk.depth };
      places.set(walk.link, place);
      walks.pop();
      const before = walks.at(-1);
      if (before !== undefined) goTo(before, place);
    } else if (part === "..") {
      goUp(walk, tree);
    } else if (part !== "" && part !== ".") {
      const link = goDown(walk, part, places);
      if (link !== null) walks.push(begin(link));
    }
  }
}

function goTo(walk: Walk, place: Place): void {
  if (place === OUTSIDE) walk.isOutside = true;
  else if (place === NOWHERE) walk.depth++;
  else Object.assign(walk, place);
}

function goUp(walk: Walk, tree: Tree): void {
  if (walk.depth > 0) walk.depth--;
  else if (walk.node === tree.root) walk.isOutside = true;
  else walk.node = walk.node.parent ?? tree.root;
}

/** Enters a name; returns a link that must be followed first. */
function goDown(walk: Walk, part: string, places: Map<Node, Place>): Node | null {
  const child = walk.depth === 0 ? walk.node.children?.get(part) : undefined;
  if (child?.kind !== "symlink") {
    if (child === undefined) walk.depth++;
    else walk.node = child;
    return null;
  }
  const place = places.get(child);
  if (place === undefined) return child;
  goTo(walk, place);
  return null;
}

/** The refusal of links that leave the root. It names the first one in the message and several in the details, with their number. */
export function linksEscape(entries: readonly string[], count: number, target: string) {
  const [first = ""] = entries;
  const reason =
    count === 1 ? "the link leads out of the source" : `this link and ${count - 1} more lead out of the source`;
  return refusal("ARCHIVE_LINK_ESCAPES", first, reason, { target, entries, count });
}
