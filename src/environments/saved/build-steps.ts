import { diskUsageBytes } from "../../host/disk.js";
import { Holds } from "../holds.js";
import { type BuiltName, lastKeyOf } from "./built-names.js";
import type { SavedDisk, SavedDisks } from "./saved-disks.js";

/** Removes a disk and returns the freed bytes. Null when it may no longer be removed: `mayLeave` decides at the last moment. */
export type RemoveDisk = (disk: SavedDisk, mayLeave: () => boolean) => Promise<number | null>;

/** The results of the steps of builds: a later build with the same steps starts from the last of them. */
export class BuildSteps {
  readonly #saved: SavedDisks;
  readonly #isHeld: (digest: string) => boolean;
  readonly #remove: RemoveDisk;
  /** The keys of the steps of builds under way. */
  readonly #keys = new Holds();

  constructor(saved: SavedDisks, isHeld: (digest: string) => boolean, remove: RemoveDisk) {
    this.#saved = saved;
    this.#isHeld = isHeld;
    this.#remove = remove;
  }

  find(key: string): SavedDisk | null {
    return this.#saved.findStep(key);
  }

  /** Protects the results that these steps have, or will have, from removal until the release is called. */
  hold(keys: readonly string[]): () => void {
    const releases = keys.map((key) => this.#keys.hold(key));
    return () => releases.forEach((release) => release());
  }

  /** Removes a built environment, and the results of its steps that no other one has. Returns the freed bytes. */
  async forget(built: BuiltName): Promise<number> {
    await this.#saved.built?.remove(built.name);
    const others = new Set((this.#saved.built?.list() ?? []).flatMap(({ steps }) => steps.map(({ key }) => key)));
    const keys = new Set(built.steps.map(({ key }) => key).filter((key) => !others.has(key)));
    const removed = await this.#removeAll(this.#spare().filter(({ record }) => keys.has(record.step_key!)));
    return sumOf(removed);
  }

  /** Removes the results over an environment that is removed. */
  async removeOver(environmentDigest: string): Promise<void> {
    await this.#removeAll(this.#spare().filter(({ record }) => record.environment_digest === environmentDigest));
  }

  /** Removes all results but the newest ones, those that have a name, and those that something uses. A dry run only lists them. */
  async sweep(keptCount: number, dryRun = false) {
    const spare = this.#spare();
    const leaving = spare.slice(0, Math.max(0, spare.length - keptCount));
    const left = await (dryRun ? measure(leaving) : this.#removeAll(leaving));
    return { removed: left.map(({ name }) => ({ kind: "step" as const, name })), freedBytes: sumOf(left) };
  }

  #spare(): SavedDisk[] {
    const named = new Set((this.#saved.built?.list() ?? []).map(lastKeyOf));
    const isNeeded = ({ record: { step_key: key }, digest }: SavedDisk) =>
      named.has(key!) || this.#keys.isHeld(key!) || this.#isHeld(digest);
    return this.#saved.steps().filter((disk) => !isNeeded(disk));
  }

  /** A disk that is named, held or removed meanwhile is left out. */
  async #removeAll(disks: readonly SavedDisk[]): Promise<Left[]> {
    const removed: Left[] = [];
    for (const disk of disks) {
      const freedBytes = await this.#remove(disk, () => this.#spare().includes(disk));
      if (freedBytes !== null) removed.push({ name: disk.record.name, freedBytes });
    }
    return removed;
  }
}

/** A result that is removed. */
interface Left {
  readonly name: string;
  readonly freedBytes: number;
}

async function measure(disks: readonly SavedDisk[]): Promise<Left[]> {
  const sizes = disks.map(async (disk) => ({
    name: disk.record.name,
    freedBytes: await diskUsageBytes(disk.directory),
  }));
  return Promise.all(sizes);
}

function sumOf(left: readonly Left[]): number {
  return left.reduce((sum, { freedBytes }) => sum + freedBytes, 0);
}
