import type { ArchiveEntry, EntryType } from "../../archive/entry.js";
import type { BigIntStats, Found } from "../../host/tree.js";

export type Described = Omit<ArchiveEntry, "content">;

/** The names under which files with several names were sent first. */
export class HardLinks {
  readonly #first = new Map<string, string>();

  /** The path under which the same file was sent before, or null. */
  firstOf(stat: BigIntStats): string | null {
    return (stat.nlink > 1n && this.#first.get(keyOf(stat))) || null;
  }

  add(path: string, stat: BigIntStats): void {
    if (stat.nlink > 1n && !this.#first.has(keyOf(stat))) this.#first.set(keyOf(stat), path);
  }
}

/** A name on disk as an entry; null for a socket, a FIFO or a device. */
export function describe({ path, stat, target }: Found, hardLinkTo: string | null = null): Described | null {
  const type = typeOf(stat);
  if (type === null) return null;
  const seconds = floorDivide(stat.mtimeNs, 1_000_000_000n);
  return {
    path,
    type: hardLinkTo === null ? type : "hardlink",
    mode: Number(stat.mode & 0o777n),
    mtimeS: Number(seconds),
    mtimeNs: Number(stat.mtimeNs - seconds * 1_000_000_000n),
    sizeBytes: type === "file" && hardLinkTo === null ? Number(stat.size) : 0,
    target: hardLinkTo ?? target?.toString("utf8") ?? null,
  };
}

export function typeOf(stat: BigIntStats): EntryType | null {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  return stat.isSymbolicLink() ? "symlink" : null;
}

function keyOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient;
}
