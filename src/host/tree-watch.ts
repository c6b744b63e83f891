import { watch, type FSWatcher } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

export interface TreeWatchOptions {
  /** Directories that are not watched, with everything in them, by their paths beneath the root. */
  readonly excludes: (path: string, isDirectory: boolean) => boolean;
  /** Called with the path of each name that was changed, made or removed. */
  readonly onChange: (path: string) => void;
  /** Called when a directory cannot be watched; its changes are not seen then. */
  readonly onError: (error: NodeJS.ErrnoException, path: string) => void;
}

/**
 * Watches a directory and all beneath it, with one watch for each directory. Node's own recursive watch takes one for each file, and
 * hosts have few. A directory that is made is watched before it is read, so nothing in it is missed.
 */
export class TreeWatch implements Disposable {
  readonly #root: string;
  readonly #options: TreeWatchOptions;
  readonly #watchers = new Map<string, FSWatcher>();

  constructor(root: string, options: TreeWatchOptions) {
    this.#root = root;
    this.#options = options;
  }

  /** Watches a directory beneath the root, and all directories in it. */
  async add(path = ""): Promise<void> {
    const { excludes, onError } = this.#options;
    if (this.#watchers.has(path) || (path !== "" && excludes(path, true))) return;
    const absolute = join(this.#root, path);
    try {
      const watcher = watch(absolute, (event, name) => this.#onEvent(path, event, name));
      watcher.on("error", () => this.#drop(path));
      this.#watchers.set(path, watcher);
      for (const entry of await readdir(absolute, { withFileTypes: true })) {
        if (entry.isDirectory()) await this.add(path === "" ? entry.name : `${path}/${entry.name}`);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      this.#drop(path);
      if (code !== "ENOENT" && code !== "ENOTDIR") onError(error as NodeJS.ErrnoException, path);
    }
  }

  /** Stops watching directories that are excluded by now. */
  prune(): void {
    for (const path of this.#watchers.keys())
      if (path !== "" && this.#options.excludes(path, true)) this.#dropAll(path);
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #onEvent(directory: string, event: string, name: string | null): void {
    if (name === null) return;
    const path = directory === "" ? name : `${directory}/${name}`;
    if (this.#options.excludes(path, false)) return;
    this.#options.onChange(path);
    if (event !== "rename") return;
    // If the name is a directory now, it is another one.
    this.#dropAll(path);
    void this.add(path);
  }

  #dropAll(path: string): void {
    for (const watched of this.#watchers.keys()) {
      if (watched === path || watched.startsWith(`${path}/`)) this.#drop(watched);
    }
  }

  #drop(path: string): void {
    this.#watchers.get(path)?.close();
    this.#watchers.delete(path);
  }
}
