import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";

/** The begin of a pull's switch, as the kernel reports it: a switch that is over before anybody looks is not missed. */
export class SwitchBegun implements Disposable {
  readonly seen: Promise<void>;
  readonly #watcher: FSWatcher;

  /** Watches a directory with files of `TwoVersions`; the first of them that changes shows the begin. */
  constructor(root: string) {
    this.#watcher = watch(join(root, "d1"));
    this.seen = new Promise((resolve) => this.#watcher.once("change", () => resolve()));
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
  }
}
