import { ByteReader } from "../../archive/bytes.js";
import { numberAt } from "../../archive/header.js";
import { type Member, MemberReader } from "../../archive/members.js";
import { parseDecimal } from "../../archive/pax.js";
import { corrupt, refusal } from "../../archive/refusal.js";
import { expandSparse, readSparseMap } from "../../archive/sparse.js";
import type { BlockWriter } from "./block-writer.js";
import { buildXattrBlock, canHoldXattr } from "./ext4-xattrs.js";
import { limited } from "./streams.js";
import { type Inode, type InodeType, type ImageTree, makeInode, NO_XATTRS, parseImagePath } from "./tree.js";

/** Collects the files of an image: names in the tree, contents in the image's file. */
export interface ImageFiles {
  readonly tree: ImageTree;
  readonly blocks: BlockWriter;
}

export interface LayerOptions {
  /** The number of the layer, from 0. */
  readonly number: number;
  /** Whether `.wh.` names remove what lower layers have, as in container images. */
  readonly whiteouts: boolean;
  readonly signal: AbortSignal;
}

const WHITEOUT = ".wh.";
const OPAQUE = ".wh..wh..opq";
/** Uncompressed; an image can hold no more content than that. */
const MOST_LAYER_BYTES = 64 * 2 ** 30;

const types: Readonly<Record<string, InodeType>> = {
  ...{ "0": "file", "\0": "file", "7": "file", S: "file" },
  ...{ "2": "symlink", "3": "character", "4": "block", "5": "directory", "6": "fifo" },
};

/** Applies one uncompressed tar archive to the files of an image. Throws an ARCHIVE_… error for an entry that cannot be applied. */
export async function applyLayer(
  files: ImageFiles,
  content: AsyncIterable<Uint8Array>,
  options: LayerOptions,
): Promise<void> {
  const input = new ByteReader(limited(content, MOST_LAYER_BYTES, "A layer", options.signal));
  const reader = new MemberReader(input);
  try {
    for (let member = await reader.next(); member !== null; member = await reader.next()) {
      options.signal.throwIfAborted();
      files.tree.count(member.shown, 1, member.name.length);
      await applyMember(files, member, reader, options);
    }
    // The digest also covers the bytes after the end of the archive.
    await input.drain();
  } finally {
    await input.close();
  }
}

async function applyMember(
  files: ImageFiles,
  member: Member,
  reader: MemberReader,
  { number: layer, whiteouts, signal }: LayerOptions,
): Promise<void> {
  const { tree } = files;
  const parts = parseImagePath(member.name, member.shown);
  if (whiteouts && applyWhiteout(tree, parts, member.shown, layer)) return;
  if (member.type === "1") {
    const target = tree.find(parseImagePath(member.link, member.shown, "its target"));
    if (target === null || target.type === "directory")
      throw refusal("ARCHIVE_HARD_LINK", member.shown, "its target is missing, or is a directory");
    return tree.put(parts, target, layer);
  }
  // Before POSIX a directory was a file whose name ends in a slash.
  const isOldDirectory = types[member.type] === "file" && member.name.at(-1) === 0x2f;
  const type = isOldDirectory ? "directory" : types[member.type];
  if (type === undefined)
    throw refusal("ARCHIVE_SPECIAL_FILE", member.shown, `its type ${JSON.stringify(member.type)} is not known`);
  if (parts.length === 0 && type !== "directory")
    throw refusal("ARCHIVE_TYPE_CONFLICT", member.shown, "the root must be a directory");
  tree.put(parts, await readInode(files, type, member, reader, signal), layer);
}

/** Whether a name is a mark that removes entries of lower layers, and no file. If it is, removes them. */
function applyWhiteout(tree: ImageTree, parts: readonly string[], shown: string, layer: number): boolean {
  const name = parts.at(-1) ?? "";
  const parent = parts.slice(0, -1);
  if (parts.some((part) => part.startsWith(".wh..wh.") && part !== OPAQUE)) return true;
  if (name === OPAQUE) {
    tree.removeLowerChildren(parent, layer);
    return true;
  }
  if (!name.startsWith(WHITEOUT)) return false;
  const removed = name.slice(WHITEOUT.length);
  if (removed === "..") throw refusal("ARCHIVE_PATH_ESCAPES", shown, "it removes `..`");
  if (removed === "" || removed === ".") throw refusal("ARCHIVE_NAME_INVALID", shown, "it removes no name");
  tree.removeLower([...parent, removed], layer);
  return true;
}

async function readInode(
  { tree, blocks }: ImageFiles,
  type: InodeType,
  member: Member,
  reader: MemberReader,
  signal: AbortSignal,
): Promise<Inode> {
  const { mtimeS, mtimeNs } = member;
  const mode = headerNumber(member, 100, "mode") & 0o7777;
  const metadata = {
    uid: ownerOf(member, "uid", 108),
    gid: ownerOf(member, "gid", 116),
    ...{ mtimeS, mtimeNs, xattrs: readXattrs(tree, member) },
  };
  if (type === "symlink") {
    const target = member.link.toString("latin1");
    if (target === "" || target.length > 4095 || target.includes("\0"))
      throw refusal("ARCHIVE_NAME_INVALID", member.shown, "Linux does not accept its target as a name");
    tree.count(member.shown, 0, target.length);
    return makeInode(type, 0o777, { ...metadata, target });
  }
  if (type === "character" || type === "block") {
    const device = [headerNumber(member, 329, "device"), headerNumber(member, 337, "device")] as const;
    if (device[0] < 0 || device[0] > 0xfff || device[1] < 0 || device[1] > 0xfffff)
      throw corrupt("its device number is out of range", member.shown);
    return makeInode(type, mode, { ...metadata, device });
  }
  if (type !== "file") return makeInode(type, mode, metadata);
  const map = await readSparseMap(member, reader);
  const content = map === null ? reader.content(member.storedBytes) : expandSparse(map, reader);
  return makeInode(type, mode, { ...metadata, content: await blocks.append(content, signal) });
}

function headerNumber(member: Member, offset: number, what: string): number {
  return numberAt(member.header.block, offset, 8, what, member.shown);
}

/** Numeric owners only: the names in an archive are those of another system. */
function ownerOf(member: Member, key: "uid" | "gid", offset: number): number {
  const record = member.pax.findLast(([name]) => name === key)?.[1].toString("latin1");
  const id = record === undefined ? headerNumber(member, offset, key) : parseDecimal(record);
  if (id === null || id < 0 || id >= 2 ** 32 - 1) throw corrupt(`its ${key} is out of range`, member.shown);
  return id;
}

const XATTR = "SCHILY.xattr.";

/** Overlay file systems keep their own marks in attributes. Those of another host mean nothing in the guest. */
function readXattrs(tree: ImageTree, member: Member): ReadonlyMap<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const [key, value] of member.pax) {
    if (!key.startsWith(XATTR)) continue;
    const name = key.slice(XATTR.length);
    if (canHoldXattr(name) && !name.startsWith("trusted.overlay.")) found.set(name, Buffer.from(value));
  }
  // Refused here, before much of it is in memory, since it would not fit in the end.
  buildXattrBlock(found);
  for (const [name, value] of found) tree.count(member.shown, 0, name.length + value.length);
  return found.size === 0 ? NO_XATTRS : found;
}
