/** One header block and its content as raw bytes; every field can be made wrong. */
export interface RawEntry {
  readonly name?: string | Buffer;
  readonly type?: string;
  readonly link?: string | Buffer;
  readonly content?: string | Buffer;
  readonly mode?: number;
  readonly mtime?: number;
  readonly format?: "ustar" | "gnu" | "v7";
  readonly prefix?: string | Buffer;
  /** The size field, raw; it need not fit the content. */
  readonly size?: string | Buffer;
  readonly mtimeField?: Buffer;
  readonly checksum?: "signed" | "wrong" | "none";
  /** Bytes written over the block before its checksum is made. */
  readonly patch?: readonly (readonly [offset: number, bytes: string | Buffer])[];
}

const MAGIC = { ustar: "ustar\u000000", gnu: "ustar  \0", v7: "\0\0\0\0\0\0\0\0" } as const;

export const END = Buffer.alloc(1024);

export function raw(entry: RawEntry): Buffer {
  const content = Buffer.from(entry.content ?? "");
  const block = Buffer.alloc(512);
  const put = (offset: number, bytes: string | Buffer, most: number) =>
    Buffer.from(bytes as string).copy(block, offset, 0, most);
  put(0, entry.name ?? "", 100);
  put(100, octal(entry.mode ?? 0o644, 8), 8);
  put(108, octal(0, 8), 8);
  put(116, octal(0, 8), 8);
  put(124, entry.size ?? octal(content.length, 12), 12);
  put(136, entry.mtimeField ?? octal(entry.mtime ?? 1_600_000_000, 12), 12);
  put(156, entry.type ?? "0", 1);
  put(157, entry.link ?? "", 100);
  put(257, Buffer.from(MAGIC[entry.format ?? "ustar"], "latin1"), 8);
  put(345, entry.prefix ?? "", 155);
  for (const [offset, bytes] of entry.patch ?? []) put(offset, bytes, 512);
  put(148, "        ", 8);
  let sum = block.reduce((total, byte) => total + (entry.checksum === "signed" && byte > 127 ? byte - 256 : byte), 0);
  if (entry.checksum === "wrong") sum++;
  put(148, entry.checksum === "none" ? "\0\0\0\0\0\0\0\0" : `${sum.toString(8).padStart(6, "0")}\0 `, 8);
  return Buffer.concat([block, fill(content)]);
}

export function tar(...entries: readonly (RawEntry | Buffer)[]): Buffer {
  return Buffer.concat([...entries.map((entry) => (Buffer.isBuffer(entry) ? entry : raw(entry))), END]);
}

export function pax(
  records: Record<string, string | Buffer> | readonly [string, string | Buffer][],
  type = "x",
): Buffer {
  const list = Array.isArray(records) ? (records as [string, string | Buffer][]) : Object.entries(records);
  return raw({ name: "././@PaxHeader", type, content: Buffer.concat(list.map(([key, value]) => record(key, value))) });
}

function record(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string), Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

export function gnuLong(kind: "L" | "K", name: string | Buffer): Buffer {
  const content = Buffer.concat([Buffer.from(name as string), Buffer.from([0])]);
  return raw({ name: "././@LongLink", type: kind, format: "gnu", content });
}

export function octal(value: number, bytes: number): string {
  return `${value.toString(8).padStart(bytes - 1, "0")}\0`;
}

export function base256(value: bigint, bytes: number): Buffer {
  const field = Buffer.from(
    BigInt.asUintN(bytes * 8, value)
      .toString(16)
      .padStart(bytes * 2, "0"),
    "hex",
  );
  field[0] = value < 0n ? 0xff : 0x80 | (field[0] ?? 0);
  return field;
}

function fill(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 511)]);
}
