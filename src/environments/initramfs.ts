/** One member of a cpio archive. Names have no leading slash. */
export type CpioEntry =
  | { readonly kind: "directory"; readonly name: string; readonly mode?: number }
  | { readonly kind: "file"; readonly name: string; readonly mode?: number; readonly data: Uint8Array };

const ARCHIVE_ALIGNMENT = 512;
const MAGIC = "070701";
const HEADER_BYTES = 110;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;

/** Renders a cpio archive (newc), owned by root, without times: the same entries give the same bytes. */
export function renderCpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  let inode = 0;
  for (const entry of entries) {
    inode += 1;
    if (entry.kind === "directory") {
      parts.push(renderHeader(entry.name, inode, S_IFDIR | (entry.mode ?? 0o755), 0));
    } else {
      parts.push(renderHeader(entry.name, inode, S_IFREG | (entry.mode ?? 0o644), entry.data.byteLength));
      parts.push(padded(Buffer.from(entry.data), 4));
    }
  }
  parts.push(renderHeader("TRAILER!!!", 0, 0, 0));
  return padded(Buffer.concat(parts), ARCHIVE_ALIGNMENT);
}

/** Appends an archive with more entries to an initramfs; the kernel unpacks one after the other. */
export function appendToInitramfs(initramfs: Uint8Array, entries: readonly CpioEntry[]): Buffer {
  return Buffer.concat([padded(Buffer.from(initramfs), ARCHIVE_ALIGNMENT), renderCpio(entries)]);
}

function renderHeader(name: string, inode: number, mode: number, size: number): Buffer {
  const nameBytes = Buffer.from(`${name}\0`);
  const links = (mode & S_IFDIR) === S_IFDIR ? 2 : 1;
  const fields = [inode, mode, 0, 0, links, 0, size, 0, 0, 0, 0, nameBytes.length, 0];
  const header = Buffer.from(MAGIC + fields.map((field) => field.toString(16).padStart(8, "0")).join(""));
  if (header.length !== HEADER_BYTES) throw new RangeError(`${name} does not fit a cpio archive`);
  return padded(Buffer.concat([header, nameBytes]), 4);
}

function padded(bytes: Buffer, alignment: number): Buffer {
  const rest = bytes.length % alignment;
  return rest === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(alignment - rest)]);
}
