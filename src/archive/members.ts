import type { ByteReader } from "./bytes.js";
import { BLOCK_BYTES, type Header, isZeroBlock, numberAt, parseHeader, trimNuls } from "./header.js";
import { parseDecimal, parsePax, parseTime, type PaxRecord } from "./pax.js";
import { corrupt, refusal, showName } from "./refusal.js";

/** The longest extended header that is read, since it is held in memory; real ones are far shorter. */
const EXTENSION_BYTES = 1_048_576;
/** Records that are used. Records of a global header apply to the whole archive. */
const GLOBAL_KEYS = ["path", "linkpath", "size", "mtime", "hdrcharset"];
const CHARSETS = ["BINARY", "ISO-IR 10646 2000 UTF-8"];
/** The type letters that GNU tar, star and libarchive write. */
const XATTRS = /^(SCHILY\.(xattr|acl)\.|LIBARCHIVE\.xattr\.|RHT\.security\.selinux$)/;
/** Types without content; their size field is ignored. */
const WITHOUT_CONTENT = ["1", "3", "4", "5", "6"];

/** One member of a tar archive, with its extended headers applied. It is not checked yet. */
export interface Member {
  readonly header: Header;
  readonly type: string;
  readonly name: Buffer;
  readonly link: Buffer;
  /** The name for error messages. */
  readonly shown: string;
  /** The bytes that follow in the archive; of a sparse file they are not its size. */
  readonly storedBytes: number;
  readonly mtimeS: number;
  readonly mtimeNs: number;
  /** Whether it has extended attributes, POSIX access control lists among them. */
  readonly hasXattrs: boolean;
  /** The records that describe the storage of a sparse file. */
  readonly sparse: readonly PaxRecord[];
  /** All records of its extended header. */
  readonly pax: readonly PaxRecord[];
}

interface Extensions {
  pax?: PaxRecord[];
  name?: Buffer;
  link?: Buffer;
}

/** Reads members in order. Read a member's content before you request the next one. */
export class MemberReader {
  readonly #input: ByteReader;
  readonly #globals = new Map<string, Buffer>();
  #remainingBytes = 0;
  #paddingBytes = 0;
  /** The name of the present member, or of the one before it. */
  #shown: string | undefined;

  constructor(input: ByteReader) {
    this.#input = input;
  }

  /** The next member, or null at the end of the archive. */
  async next(): Promise<Member | null> {
    await this.#skip();
    const extensions: Extensions = {};
    for (let first = true; ; first = false) {
      const block = await this.#block();
      if (block === null) {
        if (!first)
          throw corrupt("it ends after an extended header, without the entry that belongs to it", this.#shown);
        return null;
      }
      const header = parseHeader(block, { position: this.#input.position - BLOCK_BYTES, after: this.#shown });
      const shown = showName(trimNuls(header.name));
      this.#shown = shown;
      if (!(await this.#extend(extensions, header, shown))) return this.#member(header, extensions);
    }
  }

  /** Exactly that many bytes of the member's content. */
  async take(bytes: number): Promise<Buffer> {
    const taken = bytes <= this.#remainingBytes ? await this.#input.upTo(bytes) : Buffer.alloc(0);
    if (taken.length < bytes) throw this.#truncated();
    this.#remainingBytes -= bytes;
    return taken;
  }

  /** A block between a header and its content that is not part of the content. */
  async takeHeaderBlock(): Promise<Buffer> {
    const block = await this.#input.upTo(BLOCK_BYTES);
    if (block.length < BLOCK_BYTES) throw this.#truncated();
    return block;
  }

  /** The next bytes of the member's content, that many, in pieces as they arrive. */
  async *content(bytes: number): AsyncGenerator<Buffer> {
    for (let left = bytes; left > 0;) {
      const chunk = await this.#input.some(left);
      if (chunk === null) throw this.#truncated();
      left -= chunk.length;
      this.#remainingBytes -= chunk.length;
      yield chunk;
    }
  }

  get remainingBytes(): number {
    return this.#remainingBytes;
  }

  async #skip(): Promise<void> {
    // oxlint-disable-next-line no-unused-vars -- only passed over
    for await (const _ of this.content(this.#remainingBytes));
    if ((await this.#input.upTo(this.#paddingBytes)).length < this.#paddingBytes) throw this.#truncated();
    this.#paddingBytes = 0;
  }

  async #block(): Promise<Buffer | null> {
    const block = await this.#input.upTo(BLOCK_BYTES);
    if (block.length === 0) return null;
    if (block.length < BLOCK_BYTES) throw this.#truncated();
    if (!isZeroBlock(block)) return block;
    const second = await this.#input.upTo(BLOCK_BYTES);
    if (second.length > 0 && (second.length < BLOCK_BYTES || !isZeroBlock(second))) {
      throw corrupt("data follows a single block of zeros", this.#shown);
    }
    return null;
  }

  /** True when the header extends the next member or all members, and was read. */
  async #extend(extensions: Extensions, header: Header, shown: string): Promise<boolean> {
    if (!/[xXgLKV]/.test(header.type)) return false;
    const size = numberAt(header.block, 124, 12, "size", shown);
    if (header.type === "V") {
      this.#expect(size);
      await this.#skip();
      return true;
    }
    if (size > EXTENSION_BYTES && /[LK]/.test(header.type)) {
      throw refusal("ARCHIVE_PATH_TOO_LONG", shown, `its path has ${size} bytes`, { bytes: size });
    }
    if (size < 0 || size > EXTENSION_BYTES)
      throw corrupt(`its extended header has an invalid size of ${size} bytes`, shown);
    this.#expect(size);
    const data = await this.take(size);
    await this.#skip();
    const twice = () => corrupt("it has two extended headers of the same kind", shown);
    if (header.type === "L") {
      if (extensions.name) throw twice();
      extensions.name = trimNuls(data);
    } else if (header.type === "K") {
      if (extensions.link) throw twice();
      extensions.link = trimNuls(data);
    } else if (header.type === "g") {
      for (const [key, value] of parsePax(data, shown)) {
        if (GLOBAL_KEYS.includes(key)) this.#globals.set(key, Buffer.from(value));
      }
    } else {
      if (extensions.pax) throw twice();
      extensions.pax = parsePax(data, shown);
    }
    return true;
  }

  #member(header: Header, extensions: Extensions): Member {
    const records = extensions.pax ?? [];
    const values = new Map([...this.#globals, ...records]);
    // An empty value cancels an earlier record.
    const value = (key: string) => (values.get(key)?.length === 0 ? undefined : values.get(key));
    const name = value("GNU.sparse.name") ?? value("path") ?? extensions.name ?? trimNuls(header.name);
    const shown = showName(name);
    this.#shown = shown;
    const charset = value("hdrcharset")?.toString("latin1");
    if (charset !== undefined && !CHARSETS.includes(charset)) {
      throw refusal("ARCHIVE_NAME_INVALID", shown, "its name is in a character set other than UTF-8", { charset });
    }
    const storedBytes = storedSize(header, value("size"), shown);
    this.#expect(storedBytes);
    const time = value("mtime");
    const mtime =
      time === undefined
        ? { seconds: numberAt(header.block, 136, 12, "modification time", shown), ns: 0 }
        : parseTime(time.toString("latin1"));
    if (mtime === null) throw corrupt("its modification time is not a number", shown);
    return {
      header,
      type: header.type,
      name,
      link: value("linkpath") ?? extensions.link ?? trimNuls(header.link),
      shown,
      storedBytes,
      mtimeS: mtime.seconds,
      mtimeNs: mtime.ns,
      hasXattrs: records.some(([key]) => XATTRS.test(key)),
      sparse: records.filter(([key]) => key.startsWith("GNU.sparse.")),
      pax: records,
    };
  }

  #expect(bytes: number): void {
    this.#remainingBytes = bytes;
    this.#paddingBytes = -bytes & (BLOCK_BYTES - 1);
  }

  #truncated() {
    return corrupt("it is truncated", this.#shown);
  }
}

function storedSize(header: Header, record: Buffer | undefined, shown: string): number {
  if (WITHOUT_CONTENT.includes(header.type)) return 0;
  const size =
    record === undefined ? numberAt(header.block, 124, 12, "size", shown) : parseDecimal(record.toString("latin1"));
  if (size === null || size < 0) throw corrupt("its size is negative or not a number", shown);
  if (header.type === "2" && size !== 0) throw corrupt("it is a link with content", shown);
  return size;
}
