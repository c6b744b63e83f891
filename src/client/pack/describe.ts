import type { ArchiveEntry, EntryType } from "../../archive/entry.js";
import type { Found } from "../../host/tree.js";

export type Described = Omit<ArchiveEntry, "content">;

/** Remembers where files with several names were met first. */
export class HardLinks {
  readonly #first = new Map<string, string>();

  /** The path under which the same file was met before, or null. */
  firstOf({ path, stat }: Found): string | null {
    if (stat.nlink < 2n || !stat.isFile()) return null;
    const key = `${stat.dev}:${stat.ino}`;
    const first = this.#first.get(key);
    if (first === undefined) this.#first.set(key, path);
    return first ?? null;
  }
}

/** What is found on disk as an entry; null for what no archive may hold. */
export function describe(found: Found, links: HardLinks): Described | null {
  const { stat, path } = found;
  const type = typeOf(found);
  if (type === null) return null;
  const linked = links.firstOf(found);
  const seconds = floorDivide(stat.mtimeNs, 1_000_000_000n);
  return {
    path,
    type: linked === null ? type : "hardlink",
    mode: Number(stat.mode & 0o777n),
    mtimeS: Number(seconds),
    mtimeNs: Number(stat.mtimeNs - seconds * 1_000_000_000n),
    sizeBytes: type === "file" && linked === null ? Number(stat.size) : 0,
    target: linked ?? found.target?.toString("utf8") ?? null,
  };
}

function typeOf({ stat }: Found): EntryType | null {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  return stat.isSymbolicLink() ? "symlink" : null;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient;
}
