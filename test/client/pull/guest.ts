import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import type { ArchiveEntry } from "../../../src/archive/entry.js";
import { writeArchive } from "../../../src/archive/write.js";
import type { PullSource } from "../../../src/client/pull/pull.js";
import { findChanges } from "../../../src/workspace/changes.js";
import { byPath, type Entry, type Manifest } from "../../../src/workspace/entry.js";

/** A tree by path: the text of a file, a directory, or a link's target. */
export type Tree = ReadonlyMap<string, Node>;
export type Node =
  | { readonly type: "file"; readonly mode: number; readonly text: string }
  | { readonly type: "directory"; readonly mode: number }
  | { readonly type: "link"; readonly target: string };

function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function manifestOf(tree: Tree): Map<string, Entry> {
  const manifest = new Map<string, Entry>();
  for (const [path, node] of tree) manifest.set(path, entryOf(node));
  return manifest;
}

function entryOf(node: Node): Entry {
  if (node.type !== "file") return node;
  return { type: "file", mode: node.mode, sizeBytes: Buffer.byteLength(node.text), digest: digestOf(node.text) };
}

/** A workspace in memory, with the base that it has in common with a host. */
export class Guest implements PullSource {
  readonly taskId = "task-000000000001";
  readonly taskName = "fix";
  readonly isOrigin = true;
  tree: Tree;
  readonly base: Map<string, Entry>;

  constructor(tree: Tree, base: Manifest) {
    this.tree = tree;
    this.base = new Map(base);
  }

  get changes() {
    return findChanges(this.base, manifestOf(this.tree));
  }

  async hash(): Promise<void> {}

  export(paths: readonly string[], take: (archive: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void> {
    return take(writeArchive(entriesOf(this.tree, paths)));
  }

  async settle(_destination: string, entries: readonly (readonly [string, Entry | null])[]): Promise<void> {
    for (const [path, entry] of entries) {
      if (entry === null) this.base.delete(path);
      else this.base.set(path, entry);
    }
    return Promise.resolve();
  }
}

async function* entriesOf(tree: Tree, paths: readonly string[]): AsyncGenerator<ArchiveEntry> {
  for (const path of paths) {
    const node = tree.get(path);
    if (node === undefined || node.type === "directory") continue;
    const text = node.type === "file" ? node.text : "";
    yield {
      path,
      type: node.type === "file" ? "file" : "symlink",
      mode: node.type === "file" ? node.mode : 0o777,
      ...{ mtimeS: 0, mtimeNs: 0, sizeBytes: Buffer.byteLength(text) },
      target: node.type === "link" ? node.target : null,
      content: chunksOf(text),
    };
  }
  await Promise.resolve();
}

async function* chunksOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
  await Promise.resolve();
}

export function writeTree(root: string, tree: Tree): void {
  const paths = [...tree.keys()].toSorted(byPath);
  for (const path of paths) {
    const [node, target] = [tree.get(path), join(root, path)];
    if (node?.type === "directory") mkdirSync(target, { mode: 0o755 });
    else if (node?.type === "link") symlinkSync(node.target, target);
    else if (node) writeFileSync(target, node.text, { mode: node.mode });
    if (node?.type === "file") chmodSync(target, node.mode);
  }
  for (const path of paths.toReversed()) {
    const node = tree.get(path);
    if (node?.type === "directory") chmodSync(join(root, path), node.mode);
  }
}

/** The entries beneath a path, without excluded names of the root. */
export function readTree(root: string, path = "", without: readonly string[] = []): Map<string, Node> {
  const tree = new Map<string, Node>();
  for (const name of readdirSync(join(root, path))) {
    if (without.includes(name)) continue;
    const child = path === "" ? name : `${path}/${name}`;
    const absolute = join(root, child);
    const stat = lstatSync(absolute);
    const mode = stat.mode & 0o777;
    if (stat.isSymbolicLink()) tree.set(child, { type: "link", target: readlinkSync(absolute) });
    else if (stat.isDirectory()) {
      tree.set(child, { type: "directory", mode });
      for (const [below, node] of readTree(root, child)) tree.set(below, node);
    } else tree.set(child, { type: "file", mode, text: readFileSync(absolute, "utf8") });
  }
  return new Map([...tree].toSorted(([a], [b]) => byPath(a, b)));
}
