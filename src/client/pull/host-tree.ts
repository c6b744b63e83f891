import { join } from "node:path";

import { lookAtName, lstatSync, readdirSync, readlinkSync } from "../../host/files.js";
import { sha256OfEntry } from "../../host/digest.js";
import { nextTurn } from "../../host/next-turn.js";
import { type BigIntStats, hasDisappeared, isUnchanged } from "../../host/tree.js";
import { ancestorsOf, type Entry } from "../../workspace/entry.js";
import { hasRealParents } from "./real-parents.js";
import type { HostView } from "../../workspace/reconcile.js";

/** Names that are looked at before other work of the process gets a turn. */
const TURN = 256;
/** How old a change must be when the file is read, so that a later change has another time, on file systems with coarse times. */
const CALM_MS = 2_500;

interface Seen {
  readonly stat: BigIntStats;
  readonly entry: Entry;
  /** True when a later change may not show in the times. */
  readonly isRecent: boolean;
}

/**
 * The entries of a directory of this host, when they were read. No link is followed: paths behind one are missing.
 */
export class HostTree implements HostView {
  readonly #root: string;
  readonly #seen = new Map<string, Seen | null>();
  readonly #beneath = new Map<string, readonly string[]>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Reads paths and their parent directories; files are read too. `needsContent` names directories whose whole content is needed. */
  async look(paths: Iterable<string>, needsContent: (path: string) => boolean, signal?: AbortSignal): Promise<void> {
    let count = 0;
    for (const path of paths) {
      count += 1;
      if (count % TURN === 0) await nextTurn();
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

  /** True when any entry has the name now. */
  isTaken(path: string): boolean {
    return lookAtName(join(this.#root, path)) !== null;
  }

  /** Entries that have changed since they were read. A directory counts only if it is no longer a directory. */
  async findChanged(paths: Iterable<string>): Promise<string[]> {
    const changed: string[] = [];
    for (const path of paths) {
      const seen = this.#seen.get(path) ?? null;
      const now = hasRealParents(this.#root, path) ? readStat(join(this.#root, path)) : null;
      const isSame = seen === null || now === null ? seen === now : await this.#isSame(path, seen, now);
      if (!isSame) changed.push(path);
    }
    return changed;
  }

  async #isSame(path: string, { stat, entry, isRecent }: Seen, now: BigIntStats): Promise<boolean> {
    if (stat.isDirectory() && now.isDirectory()) return stat.ino === now.ino;
    if (!isUnchanged(stat, now)) return false;
    if (!isRecent || entry.type !== "file" || !now.isFile()) return true;
    return (await this.#digestOf(path)) === entry.digest;
  }

  /** Null for a file that became something else; the change shows in its times. */
  async #digestOf(path: string): Promise<string | null> {
    try {
      return await sha256OfEntry(join(this.#root, path));
    } catch (error) {
      if (hasDisappeared(error)) return null;
      throw error;
    }
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
    this.#seen.set(path, stat === null ? null : { stat, entry: describe(absolute, stat), isRecent: isRecent(stat) });
    return stat;
  }

  async #lookAt(path: string): Promise<void> {
    const stat = this.#lookAtName(path);
    if (stat === null || !stat.isFile()) return;
    const digest = (await this.#digestOf(path)) ?? "";
    const entry = { type: "file", mode: modeOf(stat), sizeBytes: Number(stat.size), digest } as const;
    this.#seen.set(path, { stat, entry, isRecent: isRecent(stat) });
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

function isRecent({ ctimeMs }: BigIntStats): boolean {
  return Number(ctimeMs) > Date.now() - CALM_MS;
}

function readStat(path: string): BigIntStats | null {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null;
  } catch (error) {
    if (hasDisappeared(error)) return null;
    throw error;
  }
}

function describe(path: string, stat: BigIntStats): Entry {
  if (stat.isDirectory()) return { type: "directory", mode: modeOf(stat) };
  if (stat.isSymbolicLink()) return { type: "link", target: readlinkSync(path) };
  // A special file counts as a file of other content: it is in the way, and never equal.
  return { type: "file", mode: modeOf(stat), sizeBytes: Number(stat.size), digest: "" };
}

function modeOf(stat: BigIntStats): number {
  return Number(stat.mode) & 0o777;
}
