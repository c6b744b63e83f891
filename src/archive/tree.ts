import { refusal } from "./refusal.js";

/** A name of the tree. One without a kind is a directory that other names imply. */
export interface Node {
  readonly parent: Node | null;
  readonly name: string;
  kind: "file" | "directory" | "symlink" | null;
  children: Map<string, Node> | null;
  /** Target of a symbolic link. */
  target: string | null;
}

/** Every name in the archive so far, with its type. Checks the rules between entries, in any order. */
export class Tree {
  readonly root: Node = { parent: null, name: "", kind: "directory", children: null, target: null };
  readonly #mostNodes: number;
  #nodes = 0;

  constructor(mostNodes: number) {
    this.#mostNodes = mostNodes;
  }

  /** Enters a name with its kind; its parts are walked as they stand, so `a/..` makes `a` a directory. */
  enter(parts: readonly string[], kind: "file" | "directory" | "symlink", shown: string): Node {
    let node = this.root;
    let created = false;
    for (const part of parts) {
      assertPassable(node, shown);
      if (part === "..") {
        node = node.parent ?? node;
        created = false;
        continue;
      }
      const known = node.children?.get(part);
      created = known === undefined;
      node = known ?? this.#create(node, part, shown);
    }
    if (node.kind === null && !created && kind !== "directory") throw usedAsDirectory(node, kind, shown);
    if (node.kind !== null && node.kind !== kind) {
      throw refusal("ARCHIVE_TYPE_CONFLICT", shown, `the archive has it both as a ${node.kind} and as a ${kind}`, {
        types: [node.kind, kind],
      });
    }
    node.kind = kind;
    return node;
  }

  /** The entry of that name, with `..` resolved; null when there is no entry. */
  find(parts: readonly string[]): Node | null {
    let node: Node | null = this.root;
    for (const part of parts) {
      if (node === null || node.kind === "symlink" || node.kind === "file") return null;
      node = part === ".." ? node.parent : (node.children?.get(part) ?? null);
    }
    return node;
  }

  #create(parent: Node, name: string, shown: string): Node {
    this.#nodes++;
    if (this.#nodes > this.#mostNodes) throw tooMany(shown, this.#mostNodes);
    const node: Node = { parent, name, kind: null, children: null, target: null };
    parent.children ??= new Map();
    parent.children.set(name, node);
    return node;
  }
}

/** The path of a name, from the root on. */
export function pathOf(node: Node): string {
  const parts: string[] = [];
  for (let at = node; at.parent !== null; at = at.parent) parts.push(at.name);
  return parts.toReversed().join("/");
}

export function tooMany(shown: string, limit: number) {
  return refusal(
    "ARCHIVE_TOO_MANY_ENTRIES",
    shown,
    `the archive has more than ${limit} entries, implied directories included`,
    {
      limit,
    },
  );
}

function assertPassable(node: Node, shown: string): void {
  if (node.kind === "symlink") {
    throw refusal("ARCHIVE_PATH_THROUGH_LINK", shown, `its path goes through the link ${pathOf(node)}`, {
      link: pathOf(node),
    });
  }
  if (node.kind === "file") {
    throw refusal("ARCHIVE_TYPE_CONFLICT", shown, `${pathOf(node)} is a file, not a directory`, {
      types: ["file", "directory"],
    });
  }
}

function usedAsDirectory(node: Node, kind: "file" | "symlink", shown: string) {
  const [child] = node.children?.values() ?? [];
  if (kind === "file") {
    return refusal("ARCHIVE_TYPE_CONFLICT", shown, "the archive has it both as a directory and as a file", {
      types: ["directory", "file"],
    });
  }
  const entry = child === undefined ? shown : pathOf(child);
  return refusal("ARCHIVE_PATH_THROUGH_LINK", entry, `its path goes through the link ${pathOf(node)}`, {
    link: pathOf(node),
  });
}
