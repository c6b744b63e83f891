import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { pull, type PullOptions, undoPull } from "../../../src/client/pull/pull.js";
import { Guest, manifestOf, type Node, type Tree, writeTree } from "./guest.js";

/** A directory of this host and a workspace in memory, in a temporary directory with a PYRO_HOME. */
export class Project implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "pyro-pull-"));
  readonly host = join(this.path, "host");
  readonly home = join(this.path, "home");
  readonly guest: Guest;

  constructor({ base, host, task }: { base: Tree; host: Tree; task: Tree }) {
    mkdirSync(this.host);
    mkdirSync(this.home);
    writeTree(this.host, host);
    this.guest = new Guest(task, manifestOf(base));
  }

  pull(options: Partial<PullOptions> = {}) {
    const { home, host } = this;
    const defaults = { homePath: home, destination: host, onConflict: "fail", delete: false, dryRun: false } as const;
    return pull(this.guest, { ...defaults, ...options });
  }

  undo(task = this.guest.taskId) {
    return undoPull(this.home, task, (_, destination, entries) => this.guest.settle(destination, entries));
  }

  [Symbol.dispose](): void {
    openDirectories(this.path);
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Lets an ordinary user remove a tree that has read-only directories. */
export function openDirectories(path: string): void {
  chmodSync(path, 0o700);
  for (const child of readdirSync(path, { withFileTypes: true })) {
    if (child.isDirectory()) openDirectories(join(path, child.name));
  }
}

/** The three sides of a pull. */
export function trees(base: Record<string, Node>, host: Record<string, Node>, task: Record<string, Node>) {
  const treeOf = (nodes: Record<string, Node>) => new Map(Object.entries(nodes));
  return { base: treeOf(base), host: treeOf(host), task: treeOf(task) };
}
