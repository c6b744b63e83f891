import type { ArchiveEntry } from "./entry.js";
import { BLOCK_BYTES, checksumOf, isArchiveHeader } from "./header.js";
import { isGzip } from "./gunzip.js";
import { buildPax } from "./pax.js";

/** Bytes that are gathered into one chunk: many small files make few big writes. */
const CHUNK_BYTES = 262_144;
const NAME_BYTES = 100;
/** The most that eleven octal digits hold. */
const OCTAL_MOST = 8 ** 11 - 1;
const TYPE_FLAGS = { file: "0", hardlink: "1", symlink: "2", directory: "5" } as const;
/** Two blocks of zeros. */
const END_BYTES = 2 * BLOCK_BYTES;

type Described = Omit<ArchiveEntry, "content">;
type Pieces = NonNullable<ArchiveEntry["pieces"]>;

/** Whether these first 512 bytes begin something that `readArchive` reads. */
export function looksLikeArchive(start: Buffer): boolean {
  return isGzip(start) || isArchiveHeader(start);
}

/** A tar stream of the entries, in chunks of about 256 KiB. Each content must have the size of its entry. */
export async function* writeArchive(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const add = (part: Buffer) => {
    parts.push(part);
    bytes += part.length;
  };
  const takeAll = () => {
    const chunk = parts.length === 1 ? (parts[0] ?? Buffer.alloc(0)) : Buffer.concat(parts, bytes);
    parts = [];
    bytes = 0;
    return chunk;
  };
  for await (const entry of entries) {
    add(buildHeaders(entry));
    if (entry.type === "file") {
      for await (const chunk of entry.content) {
        if (bytes > 0 && bytes + chunk.length > CHUNK_BYTES) yield takeAll();
        add(chunk);
      }
      const stored = storedBytes(entry);
      add(Buffer.alloc(filled(stored) - stored));
    }
    if (bytes >= CHUNK_BYTES) yield takeAll();
  }
  add(Buffer.alloc(END_BYTES));
  yield takeAll();
}

function buildHeaders(entry: Described): Buffer {
  if (entry.pieces) return buildSparse(entry, entry.pieces);
  const header = buildBlock(entry, storedName(entry), TYPE_FLAGS[entry.type], entry.sizeBytes);
  const records = paxRecords(entry);
  if (records.length === 0) return header;
  return Buffer.concat([buildExtension(entry, records), header]);
}

/** The headers of a file with holes, in version 1.0 of GNU tar's format: the map of its data comes before the data. */
function buildSparse(entry: Described, pieces: Pieces): Buffer {
  const { path, sizeBytes } = entry;
  // An empty piece marks the end of a hole at the end of the file.
  const [offset, bytes] = pieces.at(-1) ?? [0, 0];
  const whole = offset + bytes === sizeBytes ? pieces : [...pieces, [sizeBytes, 0] as const];
  const map = Buffer.from([whole.length, ...whole.flat()].map((number) => `${number}\n`).join(""));
  const room = filled(map.length);
  const stored = {
    ...entry,
    path: `GNUSparseFile.0/${path.slice(path.lastIndexOf("/") + 1)}`,
    sizeBytes: room + dataBytes(pieces),
  };
  const records: [string, string][] = [
    ...([
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.minor", "0"],
    ] satisfies [string, string][]),
    ["GNU.sparse.name", path],
    ["GNU.sparse.realsize", String(sizeBytes)],
    ...paxRecords(stored),
  ];
  const header = buildBlock(stored, storedName(stored), TYPE_FLAGS.file, stored.sizeBytes);
  return Buffer.concat([buildExtension(entry, records), header, map, Buffer.alloc(room - map.length)]);
}

function dataBytes(pieces: Pieces): number {
  return pieces.reduce((sum, [, bytes]) => sum + bytes, 0);
}

/** Bytes of content in the archive. */
function storedBytes({ sizeBytes, pieces }: Described): number {
  return pieces ? dataBytes(pieces) : sizeBytes;
}

function buildExtension(entry: Described, records: readonly [string, string][]): Buffer {
  const data = buildPax(records);
  const extension = buildBlock({ ...entry, target: null, mode: 0o644 }, "././@PaxHeader", "x", data.length);
  return Buffer.concat([extension, data, Buffer.alloc(filled(data.length) - data.length)]);
}

function buildBlock(entry: Described, name: string, type: string, sizeBytes: number): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0, NAME_BYTES);
  writeOctal(block, 100, 8, entry.mode);
  writeOctal(block, 108, 8, 0);
  writeOctal(block, 116, 8, 0);
  writeOctal(block, 124, 12, sizeBytes > OCTAL_MOST ? 0 : sizeBytes);
  writeOctal(block, 136, 12, fitsOctal(entry.mtimeS) ? entry.mtimeS : 0);
  block.write(type, 156);
  block.write(entry.target ?? "", 157, NAME_BYTES);
  block.write("ustar\u000000", 257, "latin1");
  block.write(`${checksumOf(block).toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Values that do not fit into a ustar header: long or non-ASCII names, fractions of seconds, big numbers. */
function paxRecords(entry: Described): [string, string][] {
  const records: [string, string][] = [];
  const name = storedName(entry);
  if (!isPlain(name)) records.push(["path", name]);
  if (entry.target !== null && !isPlain(entry.target)) records.push(["linkpath", entry.target]);
  if (entry.sizeBytes > OCTAL_MOST) records.push(["size", String(entry.sizeBytes)]);
  if (entry.mtimeNs !== 0 || !fitsOctal(entry.mtimeS)) records.push(["mtime", renderTime(entry.mtimeS, entry.mtimeNs)]);
  return records;
}

function storedName({ path, type }: Described): string {
  return type === "directory" ? `${path}/` : path;
}

function isPlain(text: string): boolean {
  return text.length <= NAME_BYTES && /^[\x20-\x7e]*$/.test(text);
}

function fitsOctal(value: number): boolean {
  return value >= 0 && value <= OCTAL_MOST;
}

function renderTime(seconds: number, ns: number): string {
  if (seconds >= 0 || ns === 0) return `${seconds}.${String(ns).padStart(9, "0")}`;
  return `-${-seconds - 1}.${String(1_000_000_000 - ns).padStart(9, "0")}`;
}

function writeOctal(block: Buffer, offset: number, bytes: number, value: number): void {
  block.write(value.toString(8).padStart(bytes - 1, "0"), offset, "latin1");
}

function filled(bytes: number): number {
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
}
