import type { Change } from "./changes.js";
import { ancestorsOf, byPath } from "./entry.js";

/** A changed path, or a directory that leads to changed paths and has itself not changed. */
export interface Node {
  readonly path: string;
  change: Change | null;
  readonly children: Map<string, Node>;
}

/** The changes as a tree; its root stands for the workspace itself. */
export function buildTree(changes: readonly Change[]): Node {
  const root: Node = { path: "", change: null, children: new Map() };
  for (const change of changes.toSorted((a, b) => byPath(a.path, b.path))) {
    let parent = root;
    for (const path of [...ancestorsOf(change.path), change.path]) {
      let node = parent.children.get(path);
      if (node === undefined) {
        node = { path, change: null, children: new Map() };
        parent.children.set(path, node);
      }
      parent = node;
    }
    parent.change = change;
  }
  return root;
}

/** The node of a path at or beneath a node; null when no change leads there. */
export function findNode(from: Node, path: string): Node | null {
  let node: Node | undefined = from;
  for (const at of [...ancestorsOf(path), path]) {
    if (at.length > from.path.length) node = node?.children.get(at);
  }
  return node ?? null;
}

/** Whether the workspace has an entry beneath this directory that it added or changed. */
export function bringsEntries(node: Node): boolean {
  for (const child of node.children.values()) {
    if (child.change !== null && child.change.task !== null) return true;
    if (bringsEntries(child)) return true;
  }
  return false;
}
