import { bringsEntries, buildTree, findNode, type Node } from "./change-tree.js";
import type { Change } from "./changes.js";
import { byPath, type Entry, isEqual } from "./entry.js";

/** The resolution for a path that host and workspace changed in different ways. */
export type ConflictChoice = "fail" | "task" | "host" | "both";

export interface ReconcileOptions {
  readonly onConflict: ConflictChoice;
  /** True to remove entries on the host that the workspace removed. */
  readonly delete: boolean;
}

/** The host's tree, as far as changes touch it. */
export interface HostView {
  /** The entry of a changed path or of a directory that leads to one. */
  readonly entry: (path: string) => Entry | null;
  /** Every path beneath a directory of the host in whose place the workspace has a file or link. */
  readonly beneath: (path: string) => readonly string[];
}

/** An entry that the host gets. With `beside`, that path and all beneath it arrive under another name: `NAME.task`. */
export interface Write {
  readonly path: string;
  readonly entry: Entry;
  readonly beside: string | null;
}

export interface Conflict {
  readonly path: string;
  readonly base: Entry | null;
  readonly host: Entry | null;
  readonly task: Entry | null;
  /** `changed`: both sides changed it. `occupied`: a directory of the host has the path, and not all of it may be removed. */
  readonly reason: "changed" | "occupied";
}

export interface Plan {
  /** Directories come before their content. */
  readonly writes: readonly Write[];
  /** Content comes before its directory. A directory is removed only when it is empty by then. */
  readonly deletes: readonly string[];
  /** Removed in the workspace and kept on the host, since `delete` is not set. */
  readonly kept: readonly string[];
  readonly conflicts: readonly Conflict[];
  /** Changes that are settled once the plan is carried out: the base takes the workspace's entry. */
  readonly settled: readonly string[];
}

/** Decides for each change of a workspace the steps of a pull on the host. Performs none of them. */
export function reconcile(changes: readonly Change[], host: HostView, options: ReconcileOptions): Plan {
  const reconciler = new Reconciler(host, options);
  reconciler.visit(buildTree(changes), { isAbsent: false, beside: null });
  return reconciler.finish();
}

/** A directory that the workspace did not change. */
const DIRECTORY = { type: "directory", mode: 0o755 } as const;

/** The host's state at a node, after the decisions for the nodes above it. */
interface Place {
  /** The host has no entry at this path, because its parent does not exist or is replaced. */
  readonly isAbsent: boolean;
  /** The parent path that is kept beside the host's entry. */
  readonly beside: string | null;
}

class Reconciler {
  readonly #host: HostView;
  readonly #options: ReconcileOptions;
  readonly #writes: Write[] = [];
  readonly #deletes: string[] = [];
  readonly #kept: string[] = [];
  readonly #conflicts: Conflict[] = [];
  readonly #settled: string[] = [];

  constructor(host: HostView, options: ReconcileOptions) {
    this.#host = host;
    this.#options = options;
  }

  finish(): Plan {
    return {
      writes: this.#writes,
      deletes: this.#deletes,
      kept: this.#kept,
      conflicts: this.#conflicts,
      settled: this.#settled,
    };
  }

  visit(parent: Node, place: Place): void {
    for (const node of parent.children.values()) {
      const host = place.isAbsent ? null : this.#host.entry(node.path);
      if (node.change === null) this.#visitUnchanged(node, host, place);
      else if (node.change.task === null) this.#visitRemoved(node, node.change, host, place);
      else this.#visitWritten(node, node.change, node.change.task, host, place);
    }
  }

  /** The workspace did not change this directory, but something beneath it. */
  #visitUnchanged(node: Node, host: Entry | null, place: Place): void {
    if (host?.type === "directory") return this.visit(node, place);
    const isNeeded = bringsEntries(node);
    // The host has a file or link in its place, and the workspace only removed entries beneath it, or the host removed it too.
    if (!isNeeded) return this.visit(node, { ...place, isAbsent: true });
    // The host removed the directory. Entries that the workspace adds beneath it bring it back.
    if (host === null) return this.#write(node, DIRECTORY, place);
    this.#conflict(node, { path: node.path, base: DIRECTORY, task: DIRECTORY }, host, place);
  }

  /** The workspace has no entry there, and the base has one. */
  #visitRemoved(node: Node, change: Change, host: Entry | null, place: Place): void {
    // First, the host has no such entry either, or has another name for it.
    if (host === null) {
      this.#settled.push(node.path);
      return this.visit(node, { ...place, isAbsent: true });
    }
    // Second, both had a directory. Entries beneath are decided one by one, and the directory is removed if it is then empty.
    if (change.base?.type === "directory" && host.type === "directory") {
      this.visit(node, place);
      return this.#remove(node);
    }
    // Third, the host still has the base's entry.
    if (isEqual(host, change.base)) return this.#remove(node);
    // Fourth, the host changed what the workspace removed.
    this.#conflict(node, change, host, place);
  }

  /** The workspace added or changed the entry. */
  #visitWritten(node: Node, change: Change, task: Entry, host: Entry | null, place: Place): void {
    // First, an entry that is kept beside the host's gets a new name, at which the host has no entry.
    if (place.beside !== null) return this.#write(node, task, place);
    // Second, both sides agree already.
    if (isEqual(host, task)) {
      this.#settled.push(node.path);
      return this.visit(node, { ...place, isAbsent: host?.type !== "directory" });
    }
    if (task.type === "directory" && (host ?? change.base)?.type === "directory") {
      return this.#visitMode(node, change, task, host, place);
    }
    this.#replace(node, change, task, host, place);
  }

  /** The workspace has a directory where the host or, when the host has nothing, the base has one: only the mode differs. */
  #visitMode(node: Node, { base }: Change, task: Entry, host: Entry | null, place: Place): void {
    // Third, the host removed the directory. Entries that the workspace adds beneath it bring it back.
    if (host === null && bringsEntries(node)) return this.#write(node, task, place);
    // Fourth, the workspace's mode counts when the host did not change its own.
    if (host !== null && isEqual(host, base)) this.#writes.push({ path: node.path, entry: task, beside: null });
    this.#settled.push(node.path);
    this.visit(node, { ...place, isAbsent: host === null });
  }

  #replace(node: Node, change: Change, task: Entry, host: Entry | null, place: Place): void {
    // Fifth, the host's entry equals the base's, and the workspace's entry replaces it; both may be missing.
    if (!isEqual(host, change.base)) return this.#conflict(node, change, host, place);
    if (host?.type !== "directory") return this.#write(node, task, place);
    // Sixth, a directory makes room for a file or link: only when the host loses everything in it by the workspace's own removals.
    if (!this.#isEmptied(node)) return this.#conflict(node, change, host, place, "occupied");
    this.visit(node, place);
    this.#deletes.push(node.path);
    this.#writes.push({ path: node.path, entry: task, beside: null });
    this.#settled.push(node.path);
  }

  /** The workspace's entry arrives where the host has nothing, or a file or link that it replaces. */
  #write(node: Node, entry: Entry, place: Place): void {
    this.#writes.push({ path: node.path, entry, beside: place.beside });
    if (node.change !== null) this.#settled.push(node.path);
    this.visit(node, { ...place, isAbsent: true });
  }

  #remove(node: Node): void {
    if (!this.#options.delete) return void this.#kept.push(node.path);
    this.#deletes.push(node.path);
    this.#settled.push(node.path);
  }

  #conflict(
    node: Node,
    { base, task }: Change,
    host: Entry | null,
    place: Place,
    reason: Conflict["reason"] = "changed",
  ): void {
    const { onConflict } = this.#options;
    const conflict = { path: node.path, base, host, task };
    if (onConflict === "fail") return void this.#conflicts.push({ ...conflict, reason });
    if (onConflict === "host" || (onConflict === "both" && task === null)) return this.#settle(node);
    if (onConflict === "both" && task !== null) {
      return this.#write(node, task, { isAbsent: true, beside: host === null ? null : node.path });
    }
    if (task === null && !this.#options.delete) return void this.#kept.push(node.path);
    // The workspace wins. A directory of the host is removed with its entries, which needs `delete`.
    if (host?.type === "directory") {
      if (!this.#options.delete) return void this.#conflicts.push({ ...conflict, reason: "occupied" });
      this.#deletes.push(...this.#host.beneath(node.path).toSorted(byPath).toReversed(), node.path);
    } else if (task === null) {
      this.#deletes.push(node.path);
    }
    if (task === null) return this.#settle(node);
    this.#write(node, task, place);
  }

  /** Whether the workspace removed everything that the host has in this directory, and the host changed nothing of it. */
  #isEmptied(directory: Node): boolean {
    if (!this.#options.delete) return false;
    return this.#host.beneath(directory.path).every((path) => {
      const change = findNode(directory, path)?.change ?? null;
      if (change === null || change.task !== null) return false;
      const host = this.#host.entry(path);
      return isEqual(host, change.base) || (host?.type === "directory" && change.base?.type === "directory");
    });
  }

  /** The host's side stays, and the difference no longer counts as a change of the workspace. */
  #settle(node: Node): void {
    if (node.change !== null) this.#settled.push(node.path);
    for (const child of node.children.values()) this.#settle(child);
  }
}
