import { createHash } from "node:crypto";

import { archivedBytes, END_BYTES } from "../../archive/write.js";
import { type ErrorCode, PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import { type Found, mayRead, walkTree } from "../../host/tree.js";
import { describe, type Described, HardLinks } from "./describe.js";
import { listed, unreadable } from "./failure.js";

export interface Scan {
  readonly entryCount: number;
  readonly excludedCount: number;
  readonly contentBytes: number;
  readonly sizeBytes: number;
  /** Over names, types, sizes and times: the same again means that nothing has changed. */
  readonly digest: string;
}

/** Names that an error lists. */
const NAMED = 100;

type Excludes = (path: string, isDirectory: boolean) => boolean;

/** Walks the tree once, counts what will be sent, and throws, naming the entries, when something cannot be. */
export async function scanTree(root: string, excludes: Excludes, signal: AbortSignal | undefined): Promise<Scan> {
  const problems = new Problems();
  const digest = createHash("sha256");
  const links = new HardLinks();
  let entryCount = 0;
  let excludedCount = 0;
  let contentBytes = 0;
  let sizeBytes = END_BYTES;
  const walk = walkTree(root, {
    signal,
    excludes: (path, isDirectory) => {
      const excluded = excludes(path, isDirectory);
      if (excluded) excludedCount++;
      return excluded;
    },
    onUnreadable: (path) => problems.add("SOURCE_UNREADABLE", path),
  });
  for await (const found of walk) {
    const entry = describe(found, links);
    if (entry === null || (await problems.find(found, entry))) {
      if (entry === null) problems.add("ARCHIVE_SPECIAL_FILE", found.path);
      continue;
    }
    entryCount++;
    contentBytes += entry.sizeBytes;
    sizeBytes += archivedBytes(entry);
    digest.update(fingerprint(found));
    if (entryCount > limits.importEntries) problems.add("ARCHIVE_TOO_MANY_ENTRIES", found.path);
    if (entryCount > limits.importEntries) break;
  }
  problems.assertNone();
  return { entryCount, excludedCount, contentBytes, sizeBytes, digest: digest.digest("hex") };
}

/** What must be as it was. A directory's change time is left out: what is excluded may change it. */
export function fingerprint({ path, stat, target }: Found): string {
  const changed = stat.isDirectory() ? 0n : stat.ctimeNs;
  return `${path}\0${stat.mode} ${stat.ino} ${stat.isDirectory() ? 0n : stat.size} ${stat.mtimeNs} ${changed}\0${target?.toString("hex")}\n`;
}

/** Entries that cannot be sent, by reason. */
class Problems {
  readonly #byCode = new Map<ErrorCode, { entries: string[]; count: number }>();
  /** Root may read everything; asking costs a call for each file. */
  readonly #asksForAccess = process.getuid?.() !== 0;

  add(code: ErrorCode, path: string): void {
    const known = this.#byCode.get(code) ?? { entries: [], count: 0 };
    this.#byCode.set(code, known);
    known.count++;
    if (known.entries.length < NAMED) known.entries.push(path);
  }

  async find(found: Found, entry: Described): Promise<boolean> {
    const name = found.path.slice(found.path.lastIndexOf("/") + 1);
    if (!found.isUtf8 || (found.target !== null && !Buffer.from(entry.target ?? "").equals(found.target))) {
      this.add("ARCHIVE_NAME_INVALID", found.path);
    } else if (
      Buffer.byteLength(found.path) > limits.importPathBytes ||
      Buffer.byteLength(name) > limits.importNameBytes
    ) {
      this.add("ARCHIVE_PATH_TOO_LONG", found.path);
    } else if (this.#asksForAccess && entry.type === "file" && !(await mayRead(found.absolutePath))) {
      this.add("SOURCE_UNREADABLE", found.path);
    } else {
      return false;
    }
    return true;
  }

  assertNone(): void {
    for (const [code, { entries, count }] of this.#byCode) {
      if (code === "SOURCE_UNREADABLE") throw unreadable(entries, count, undefined);
      throw new PyroError(code, `${count} of the source cannot be sent: ${listed(entries, count)}.`, {
        details: { entry: entries[0], entries, count },
      });
    }
  }
}
