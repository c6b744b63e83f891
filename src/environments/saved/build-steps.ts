import { diskUsageBytes } from "../../host/disk.js";
import { type BuiltName, lastKeyOf } from "./built-names.js";
import type { SavedDisk, SavedDisks } from "./saved-disks.js";

/** The results of the steps of builds: a later build with the same steps starts from the last of them. */
export class BuildSteps {
  readonly #saved: SavedDisks;
  readonly #isHeld: (digest: string) => boolean;
  readonly #remove: (disk: SavedDisk) => Promise<{ readonly freedBytes: number }>;

  constructor(
    saved: SavedDisks,
    isHeld: (digest: string) => boolean,
    remove: (disk: SavedDisk) => Promise<{ readonly freedBytes: number }>,
  ) {
    this.#saved = saved;
    this.#isHeld = isHeld;
    this.#remove = remove;
  }

  find(key: string): SavedDisk | null {
    return this.#saved.findStep(key);
  }

  /** Removes a built environment, and the results of its steps that no other one has. Returns the freed bytes. */
  async forget(built: BuiltName): Promise<number> {
    await this.#saved.built?.remove(built.name);
    const others = new Set((this.#saved.built?.list() ?? []).flatMap(({ steps }) => steps.map(({ key }) => key)));
    const keys = new Set(built.steps.map(({ key }) => key).filter((key) => !others.has(key)));
    return this.#removeAll(this.#spare().filter(({ record }) => keys.has(record.step_key!)));
  }

  /** Removes the results over an environment that is removed. */
  async removeOver(environmentDigest: string): Promise<void> {
    await this.#removeAll(this.#spare().filter(({ record }) => record.environment_digest === environmentDigest));
  }

  /** Removes all results but the newest ones, those that have a name, and those that something uses. A dry run only lists them. */
  async sweep(keptCount: number, dryRun = false) {
    const spare = this.#spare();
    const leaving = spare.slice(0, Math.max(0, spare.length - keptCount));
    const removed = leaving.map(({ record }) => ({ kind: "step" as const, name: record.name }));
    return { removed, freedBytes: await (dryRun ? sizeOf(leaving) : this.#removeAll(leaving)) };
  }

  #spare(): SavedDisk[] {
    const named = new Set((this.#saved.built?.list() ?? []).map(lastKeyOf));
    return this.#saved.steps().filter(({ record, digest }) => !named.has(record.step_key!) && !this.#isHeld(digest));
  }

  async #removeAll(disks: readonly SavedDisk[]): Promise<number> {
    let freedBytes = 0;
    for (const disk of disks) freedBytes += (await this.#remove(disk)).freedBytes;
    return freedBytes;
  }
}

async function sizeOf(disks: readonly SavedDisk[]): Promise<number> {
  const sizes = await Promise.all(disks.map(({ directory }) => diskUsageBytes(directory)));
  return sizes.reduce((sum, size) => sum + size, 0);
}
