import { join } from "node:path";

import { lookAtName, lstatSync, readdirSync, readlinkSync, sha256OfFile } from "../../host/files.js";
import { type BigIntStats, hasDisappeared, isUnchanged } from "../../host/tree.js";
import { ancestorsOf, type Entry } from "../../workspace/entry.js";
import { hasRealParents } from "./real-parents.js";
import type { HostView } from "../../workspace/reconcile.js";

/** Names that are looked at before other work of the process has a turn. */
const TURN = 256;

interface Seen {
  readonly stat: BigIntStats;
  /** Null for a FIFO, a socket and a device. */
  readonly entry: Entry | null;
}

/**
 * The entries of a directory of this host, as they were when they were looked at. No link is followed: beneath one there is nothing.
 */
export class HostTree implements HostView {
  readonly #root: string;
  readonly #seen = new Map<string, Seen | null>();
  readonly #beneath = new Map<string, readonly string[]>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Looks at paths and the directories that lead to them; files are read. `needsContent` names directories of which all content counts. */
  async look(paths: Iterable<string>, needsContent: (path: string) => boolean, signal?: AbortSignal): Promise<void> {
    let count = 0;
    for (const path of paths) {
      count += 1;
      if (count % TURN === 0) await new Promise<void>((resolve) => void setImmediate(resolve));
      signal?.throwIfAborted();
      if (!this.#leadsThroughDirectories(path)) {
        this.#seen.set(path, null);
        continue;
      }
      await this.#lookAt(path);
      if (this.entry(path)?.type === "directory" && needsContent(path)) await this.#lookInto(path);
    }
  }

  entry(path: string): Entry | null {
    return this.#seen.get(path)?.entry ?? null;
  }

  beneath(path: string): readonly string[] {
    return this.#beneath.get(path) ?? [];
  }

  /** Whether the name is taken now, by anything. */
  isTaken(path: string): boolean {
    return lookAtName(join(this.#root, path)) !== null;
  }

  /** Entries that are not what they were when they were looked at. Directories count only when they became something else. */
  findChanged(paths: Iterable<string>): string[] {
    const changed: string[] = [];
    for (const path of paths) {
      const seen = this.#seen.get(path)?.stat ?? null;
      const now = hasRealParents(this.#root, path) ? readStat(join(this.#root, path)) : null;
      if (seen === null || now === null) {
        if (seen !== now) changed.push(path);
      } else if (seen.isDirectory() && now.isDirectory() ? seen.ino !== now.ino : !isUnchanged(seen, now)) {
        changed.push(path);
      }
    }
    return changed;
  }

  #leadsThroughDirectories(path: string): boolean {
    for (const parent of ancestorsOf(path)) {
      if (!this.#seen.has(parent)) this.#lookAtName(parent);
      if (this.#seen.get(parent)?.entry?.type !== "directory") return false;
    }
    return true;
  }

  /** Everything but the content of a file. */
  #lookAtName(path: string): BigIntStats | null {
    const absolute = join(this.#root, path);
    const stat = readStat(absolute);
    this.#seen.set(path, stat === null ? null : { stat, entry: describe(absolute, stat) });
    return stat;
  }

  async #lookAt(path: string): Promise<void> {
    const stat = this.#lookAtName(path);
    if (stat === null || !stat.isFile()) return;
    const digest = await sha256OfFile(join(this.#root, path));
    const entry = { type: "file", mode: modeOf(stat), sizeBytes: Number(stat.size), digest } as const;
    this.#seen.set(path, { stat, entry });
  }

  async #lookInto(path: string): Promise<void> {
    const all: string[] = [];
    for (const name of readdirSync(join(this.#root, path))) {
      const child = `${path}/${name}`;
      await this.#lookAt(child);
      all.push(child);
      if (this.entry(child)?.type !== "directory") continue;
      await this.#lookInto(child);
      all.push(...this.beneath(child));
    }
    this.#beneath.set(path, all);
  }
}

function readStat(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch (error) {
    if (hasDisappeared(error)) return null;
    throw error;
  }
}

function describe(path: string, stat: BigIntStats): Entry | null {
  if (stat.isDirectory()) return { type: "directory", mode: modeOf(stat) };
  if (stat.isSymbolicLink()) return { type: "link", target: readlinkSync(path) };
  // A special file is in the way like a file of other content, and never equal to one.
  return { type: "file", mode: modeOf(stat), sizeBytes: Number(stat.size), digest: "" };
}

function modeOf(stat: BigIntStats): number {
  return Number(stat.mode) & 0o777;
}
