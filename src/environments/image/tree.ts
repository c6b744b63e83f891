import { refusal } from "../../archive/refusal.js";
import type { Run } from "./block-writer.js";

export type InodeType = "file" | "directory" | "symlink" | "character" | "block" | "fifo";

/** One file, directory, link or device of an image; several names may share it. Names are bytes, kept as Latin-1. */
export interface Inode {
  readonly type: InodeType;
  /** Permission, set-ID and sticky bits. */
  mode: number;
  uid: number;
  gid: number;
  mtimeS: number;
  mtimeNs: number;
  xattrs: ReadonlyMap<string, Buffer>;
  /** Where a file's content is; null for the other types. */
  readonly content: Run | null;
  /** A symbolic link's target. */
  readonly target: string | null;
  /** Major and minor number of a device. */
  readonly device: readonly [major: number, minor: number] | null;
  /** Null for everything but a directory. */
  readonly entries: Map<string, Entry> | null;
  /** The layer that has emptied a directory of what lower layers had in it, once and for all. */
  emptiedBy?: number;
}

export interface Entry {
  readonly inode: Inode;
  /** The layer that the name comes from. */
  layer: number;
}

/** Limits for all layers of an image, since the daemon keeps them in memory. */
export const IMAGE_LIMITS = { entries: 1_000_000, bytes: 268_435_456 };

/** Shared, since most files have none. */
export const NO_XATTRS: ReadonlyMap<string, Buffer> = new Map();

/** Maximum number of links on one path, as in Linux. */
const MOST_LINKS = 40;

export function makeInode(type: InodeType, mode: number, rest: Partial<Inode> = {}): Inode {
  // One literal: an image may have a million inodes, and spreading several literals takes eight times as long.
  return {
    type,
    mode,
    uid: 0,
    gid: 0,
    mtimeS: 0,
    mtimeNs: 0,
    xattrs: NO_XATTRS,
    content: null,
    target: null,
    device: null,
    entries: type === "directory" ? new Map() : null,
    ...rest,
  };
}

/** The files of an image while its layers are applied. Links on a path are followed within the image. */
export class ImageTree {
  readonly root = makeInode("directory", 0o755);
  readonly #limits: typeof IMAGE_LIMITS;
  #entries = 0;
  #bytes = 0;

  constructor(limits = IMAGE_LIMITS) {
    this.#limits = limits;
  }

  /** Counts entries, and bytes of names, link targets and attributes. Entries that a later layer removes stay counted. */
  count(shown: string, entries: number, bytes: number): void {
    this.#entries += entries;
    this.#bytes += bytes;
    const { entries: mostEntries, bytes: mostBytes } = this.#limits;
    if (this.#entries > mostEntries)
      throw refusal("ARCHIVE_TOO_MANY_ENTRIES", shown, `the image has more than ${mostEntries} entries`);
    if (this.#bytes > mostBytes) {
      const what = `more than ${mostBytes} bytes of names, link targets and extended attributes`;
      throw refusal("ARCHIVE_TOO_MANY_ENTRIES", shown, `the image has ${what}`);
    }
  }

  /** Gives a name to an inode. A directory in the place of a directory keeps its entries and takes the new owner, mode and times. */
  put(parts: readonly string[], inode: Inode, layer: number): void {
    const name = parts.at(-1);
    if (name === undefined) return describeAs(this.root, inode);
    const parent = this.#directory(parts.slice(0, -1), layer);
    const known = parent.get(name);
    if (known?.inode.entries && inode.entries) {
      describeAs(known.inode, inode);
      known.layer = layer;
    } else parent.set(name, { inode, layer });
  }

  /** The inode of a path, the last part not followed; null when it does not exist. */
  find(parts: readonly string[]): Inode | null {
    const name = parts.at(-1);
    if (name === undefined) return this.root;
    return this.#walk(parts.slice(0, -1))?.entries?.get(name)?.inode ?? null;
  }

  /** The same, the last part followed as well. */
  follow(parts: readonly string[]): Inode | null {
    return this.#walk(parts);
  }

  /** Removes the entry of lower layers with this name. An entry of the same layer stays. */
  removeLower(parts: readonly string[], layer: number): void {
    const name = parts.at(-1);
    const parent = this.#walk(parts.slice(0, -1))?.entries;
    const entry = name === undefined ? undefined : parent?.get(name);
    if (parent && entry && name !== undefined && !keepUpper(entry, layer)) parent.delete(name);
  }

  /** Removes the entries of lower layers from a directory. */
  removeLowerChildren(parts: readonly string[], layer: number): void {
    const inode = this.#walk(parts);
    if (inode) emptyLower(inode, layer);
  }

  remove(parts: readonly string[]): void {
    this.#walk(parts.slice(0, -1))?.entries?.delete(parts.at(-1) ?? "");
  }

  /** The directory of a path, created if it is missing. */
  #directory(parts: readonly string[], layer: number): Map<string, Entry> {
    let at = this.root;
    let made = 0;
    for (const [index, part] of parts.entries()) {
      const next = at.entries?.get(part)?.inode;
      const known = next?.type === "symlink" ? this.#walk(parts.slice(0, index + 1)) : (next ?? null);
      const directory = known?.entries ? known : makeInode("directory", 0o755);
      if (directory !== known) {
        at.entries?.set(part, { inode: directory, layer });
        made += 1;
      }
      at = directory;
    }
    if (made > 0) this.count(parts.join("/"), made, 0);
    return at.entries ?? new Map();
  }

  #walk(parts: readonly string[]): Inode | null {
    const stack: Inode[] = [this.root];
    const left = [...parts].toReversed();
    let links = 0;
    for (let part = left.pop(); part !== undefined; part = left.pop()) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (stack.length > 1) stack.pop();
        continue;
      }
      const next = stack.at(-1)?.entries?.get(part)?.inode;
      if (next === undefined) return null;
      if (next.type !== "symlink") {
        stack.push(next);
        continue;
      }
      links += 1;
      if (links > MOST_LINKS) return null;
      const target = next.target ?? "";
      if (target.startsWith("/")) stack.length = 1;
      left.push(...target.split("/").toReversed());
    }
    return stack.at(-1) ?? null;
  }
}

/** The parts of a name. Refuses a name that leads out of the image, and one that Linux would not accept. */
export function parseImagePath(name: Buffer, shown: string, what = "its name"): string[] {
  const parts = name
    .toString("latin1")
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  if (name.includes(0)) throw refusal("ARCHIVE_NAME_INVALID", shown, `${what} contains a NUL byte`);
  if (parts.includes("..")) throw refusal("ARCHIVE_PATH_ESCAPES", shown, `${what} has a part \`..\``);
  if (name.length > 4095 || parts.some((part) => part.length > 255))
    throw refusal("ARCHIVE_PATH_TOO_LONG", shown, `${what} is longer than Linux takes`);
  return parts;
}

function describeAs(inode: Inode, { mode, uid, gid, mtimeS, mtimeNs, xattrs }: Inode): void {
  Object.assign(inode, { mode, uid, gid, mtimeS, mtimeNs, xattrs });
}

/** Whether an entry of the layer is at or beneath this one. Removes entries of lower layers beneath it. */
function keepUpper(entry: Entry, layer: number): boolean {
  const { entries } = entry.inode;
  emptyLower(entry.inode, layer);
  return entry.layer === layer || (entries !== null && entries.size > 0);
}

/** A layer may have many marks for a directory: once it was emptied, only the layer itself adds to it. */
function emptyLower(inode: Inode, layer: number): void {
  const { entries } = inode;
  if (!entries || inode.emptiedBy === layer) return;
  inode.emptiedBy = layer;
  for (const [name, entry] of entries) if (!keepUpper(entry, layer)) entries.delete(name);
}
