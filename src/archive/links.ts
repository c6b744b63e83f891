import { refusal } from "./refusal.js";
import { type Node, pathOf, type Tree } from "./tree.js";

/** Where a link leads: a name of the tree, and how far below it, where the archive has nothing. */
interface Place {
  readonly node: Node;
  readonly depth: number;
}

/** A link on the way, and how far its target has been walked. */
interface Walk {
  readonly link: Node;
  readonly parts: readonly string[];
  next: number;
  node: Node;
  depth: number;
}

/**
 * Refuses each link that leaves the root, also through other links, wherever in the archive those are. Only now are all
 * of them known. Each target is walked once, whatever leads to it; a link that leads back to itself counts as a name
 * with nothing behind it.
 */
export function assertLinksStay(links: Iterable<Node>, tree: Tree): void {
  const places = new Map<Node, Place | null>();
  for (const link of links) if (!places.has(link)) resolve(link, places, tree);
}

function resolve(start: Node, places: Map<Node, Place | null>, tree: Tree): void {
  const begin = (link: Node): Walk => {
    places.set(link, null);
    return { link, parts: (link.target ?? "").split("/"), next: 0, node: link.parent ?? tree.root, depth: 0 };
  };
  const walks = [begin(start)];
  for (let walk = walks.at(-1); walk !== undefined; walk = walks.at(-1)) {
    const part = walk.parts[walk.next++];
    if (part === undefined) {
      const place = { node: walk.node, depth: walk.depth };
      places.set(walk.link, place);
      walks.pop();
      const before = walks.at(-1);
      if (before !== undefined) Object.assign(before, place);
    } else if (part === "..") {
      goUp(walk, tree);
    } else if (part !== "" && part !== ".") {
      const link = goDown(walk, part, places);
      if (link !== null) walks.push(begin(link));
    }
  }
}

function goUp(walk: Walk, tree: Tree): void {
  if (walk.depth > 0) {
    walk.depth--;
  } else if (walk.node === tree.root) {
    throw linkEscapes(pathOf(walk.link), walk.link.target ?? "");
  } else {
    walk.node = walk.node.parent ?? tree.root;
  }
}

/** Enters a name; a link that has not been followed yet is handed back, to be followed first. */
function goDown(walk: Walk, part: string, places: Map<Node, Place | null>): Node | null {
  const child = walk.depth === 0 ? walk.node.children?.get(part) : undefined;
  if (child?.kind !== "symlink") {
    if (child === undefined) walk.depth++;
    else walk.node = child;
    return null;
  }
  const place = places.get(child);
  if (place === undefined) return child;
  if (place === null) walk.depth++;
  else Object.assign(walk, place);
  return null;
}

export function linkEscapes(shown: string, target: string) {
  return refusal("ARCHIVE_LINK_ESCAPES", shown, "the link leaves the tree", { target });
}
