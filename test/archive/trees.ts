import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { ArchiveEntry, ReadOptions } from "../../src/archive/entry.js";
import { readArchive } from "../../src/archive/read.js";

/** The facts of a tree in a comparable form: one line for each path. */
export type Facts = Record<string, readonly unknown[]>;

/** Without a prototype: `__proto__` is a name like any other. */
function noFacts(): Facts {
  return Object.create(null) as Facts;
}

export async function* inPieces(bytes: Buffer, pieceBytes = bytes.length): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += pieceBytes) yield bytes.subarray(start, start + pieceBytes);
}

export async function readAll(source: AsyncIterable<Uint8Array>, options: ReadOptions = {}) {
  const entries: (ArchiveEntry & { bytes: Buffer })[] = [];
  for await (const entry of readArchive(source, options)) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry.content) chunks.push(chunk);
    entries.push({ ...entry, bytes: Buffer.concat(chunks) });
  }
  return entries;
}

/** The tree after extracting the entries one after the other. */
export async function factsOfArchive(bytes: Buffer, pieceBytes?: number, linksMayLeave = false): Promise<Facts> {
  const facts = noFacts();
  for (const entry of await readAll(inPieces(bytes, pieceBytes), { linksMayLeave })) {
    const { path, type, mode, mtimeS, mtimeNs, target } = entry;
    if (type === "hardlink") facts[path] = facts[target ?? ""] ?? ["missing"];
    else if (type === "symlink") facts[path] = [type, target, time(mtimeS, mtimeNs)];
    else facts[path] = [type, mode, time(mtimeS, mtimeNs), type === "file" ? digest(entry.bytes) : null];
  }
  return facts;
}

export function factsOfDirectory(root: string, path = "", facts = noFacts()): Facts {
  for (const name of readdirSync(join(root, path))) {
    const inner = path === "" ? name : `${path}/${name}`;
    const full = join(root, inner);
    const stat = lstatSync(full, { bigint: true });
    const mode = Number(stat.mode & 0o777n);
    const at = `${stat.mtimeNs}`;
    if (stat.isSymbolicLink()) facts[inner] = ["symlink", readlinkSync(full), at];
    else if (stat.isFile()) facts[inner] = ["file", mode, at, digest(readSealed(full, mode))];
    else {
      facts[inner] = ["directory", mode, at, null];
      factsOfDirectory(root, inner, facts);
    }
  }
  return facts;
}

/** The content of a file that its owner may not read either. */
function readSealed(path: string, mode: number): Buffer {
  if ((mode & 0o400) !== 0) return readFileSync(path);
  chmodSync(path, mode | 0o400);
  try {
    return readFileSync(path);
  } finally {
    chmodSync(path, mode);
  }
}

/** A directory that is removed with its content. */
export class ScratchDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "pyro-archive-"));
  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function time(seconds: number, ns: number): string {
  return `${BigInt(seconds) * 1_000_000_000n + BigInt(ns)}`;
}

function digest(content: Buffer): string {
  return `${content.length} bytes, ${createHash("sha256").update(content).digest("hex")}`;
}
