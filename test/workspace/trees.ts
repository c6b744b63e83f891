import { ancestorsOf } from "../../src/workspace/entry.js";
import { fc } from "../property.js";

/** Trees with few names, so that sides often conflict: every parent of an entry is a directory. */
export interface Kind<Node> {
  readonly nodes: fc.Arbitrary<Node>;
  readonly directory: Node;
  readonly isDirectory: (node: Node) => boolean;
}

export interface World<Node> {
  readonly base: Map<string, Node>;
  readonly host: Map<string, Node>;
  readonly task: Map<string, Node>;
}

type Edits<Node> = readonly (readonly [string, Node | null])[];

const name = fc.constantFrom("a", "b", "c");
const paths = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));

/** A tree that host and workspace had in common, and the changed tree of each. */
export function worlds<Node>(kind: Kind<Node>): fc.Arbitrary<World<Node>> {
  const edits = editsOf(kind);
  return fc
    .tuple(fc.array(fc.tuple(paths, kind.nodes), { maxLength: 6 }), edits, edits)
    .map(([pairs, hostEdits, taskEdits]) => {
      const base = edit(kind, new Map(), pairs);
      return { base, host: edit(kind, base, hostEdits), task: edit(kind, base, taskEdits) };
    });
}

/** Edits of one side. */
export function editsOf<Node>({ nodes }: Kind<Node>): fc.Arbitrary<Edits<Node>> {
  const node: fc.Arbitrary<Node | null> = fc.option(nodes, { nil: null });
  return fc.array(fc.tuple(paths, node), { maxLength: 5 });
}

/** Replaces entries, or removes them with null, with everything beneath. */
export function edit<Node>(kind: Kind<Node>, from: ReadonlyMap<string, Node>, edits: Edits<Node>): Map<string, Node> {
  const tree = new Map(from);
  for (const [path, node] of edits) {
    if (node === null && !tree.has(path)) continue;
    for (const other of [...tree.keys()]) {
      if (other === path || other.startsWith(`${path}/`)) tree.delete(other);
    }
    if (node === null) continue;
    for (const parent of ancestorsOf(path)) {
      const there = tree.get(parent);
      if (there === undefined || !kind.isDirectory(there)) tree.set(parent, kind.directory);
    }
    tree.set(path, node);
  }
  return tree;
}
