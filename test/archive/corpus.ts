import { gzipSync } from "node:zlib";

import type { ErrorCode } from "../../src/contract/errors.js";
import { base256, END, gnuLong, octal, pax, raw, type RawEntry, tar } from "./raw-tar.js";

/** An archive and what becomes of it: imported as GNU tar extracts it, or refused with this code, naming this entry. */
export interface Specimen {
  readonly name: string;
  readonly bytes: Buffer;
  readonly refused?: readonly [code: ErrorCode, entry: string | null];
  /** GNU tar takes it otherwise than the contract says; only that it is accepted is compared. */
  readonly unlikeGnu?: true;
}

const file = (name: string, content = `content of ${name}`): RawEntry => ({ name, content });
const directory = (name: string): RawEntry => ({ name, type: "5", mode: 0o755 });
const symlink = (name: string, link: string): RawEntry => ({ name, type: "2", link });
const hardlink = (name: string, link: string): RawEntry => ({ name, type: "1", link });

const accepted = (name: string, ...entries: readonly (RawEntry | Buffer)[]): Specimen => ({
  name,
  bytes: tar(...entries),
});
const refused = (code: ErrorCode, entry: string | null, name: string, ...entries: readonly (RawEntry | Buffer)[]) =>
  ({ name, bytes: tar(...entries), refused: [code, entry] }) satisfies Specimen;
const damaged = (name: string, entry: string | null, bytes: Buffer): Specimen => ({
  name,
  bytes,
  refused: ["ARCHIVE_CORRUPT", entry],
});

const long = `${"d".repeat(60)}/${"e".repeat(60)}/${"f".repeat(200)}`;
const deep = `${"p/".repeat(2048)}x`;

/** A name in each way that formats have to say one: header, prefix, extended header, GNU long name. */
function inEachFlavour(code: ErrorCode, what: string, name: string): Specimen[] {
  return [
    refused(code, name, `${what}, ustar`, file("first"), file(name)),
    refused(code, name, `${what}, V7`, file("first"), { ...file(name), format: "v7", type: "\0" }),
    refused(code, name, `${what}, PAX`, file("first"), pax({ path: name }), file("innocent")),
    refused(code, name, `${what}, GNU`, file("first"), gnuLong("L", name), file("innocent")),
    refused(code, name, `${what}, global PAX header`, file("first"), pax({ path: name }, "g"), file("innocent")),
  ];
}

function linksOut(what: string, target: string): Specimen[] {
  return [
    refused("ARCHIVE_LINK_ESCAPES", "d/l", `${what}, ustar`, symlink("d/l", target)),
    refused("ARCHIVE_LINK_ESCAPES", "d/l", `${what}, PAX`, pax({ linkpath: target }), symlink("d/l", "f")),
    refused("ARCHIVE_LINK_ESCAPES", "d/l", `${what}, GNU`, gnuLong("K", target), symlink("d/l", "f")),
  ];
}

const names: Specimen[] = [
  ...inEachFlavour("ARCHIVE_PATH_ABSOLUTE", "absolute name", "/etc/passwd"),
  ...inEachFlavour("ARCHIVE_PATH_ESCAPES", "`..` that leaves", "../outside"),
  ...inEachFlavour("ARCHIVE_PATH_ESCAPES", "`..` that leaves and comes back", "a/../../workspace/x"),
  refused("ARCHIVE_PATH_ABSOLUTE", "/p/x", "absolute prefix", { ...file("x"), prefix: "/p" }),
  refused("ARCHIVE_PATH_ESCAPES", "..", "the parent itself", directory("..")),
  refused("ARCHIVE_NAME_INVALID", "a\\x00b", "NUL, ustar", { name: "a\0b" }),
  refused("ARCHIVE_NAME_INVALID", "a\\x00b", "NUL, PAX", pax({ path: "a\0b" }), file("x")),
  refused("ARCHIVE_NAME_INVALID", "a\\x00b", "NUL, GNU", gnuLong("L", "a\0b"), file("x")),
  refused("ARCHIVE_NAME_INVALID", "l", "NUL in a target", pax({ linkpath: "a\0b" }), symlink("l", "x")),
  refused("ARCHIVE_NAME_INVALID", "\\xff\\xfe", "not UTF-8, ustar", { name: Buffer.from([0xff, 0xfe]) }),
  refused("ARCHIVE_NAME_INVALID", "\\xc3(", "not UTF-8, PAX", pax({ path: Buffer.from([0xc3, 0x28]) }), file("x")),
  refused(
    "ARCHIVE_NAME_INVALID",
    "\\xed\\xa0\\x80",
    "a surrogate, GNU",
    gnuLong("L", Buffer.from([0xed, 0xa0, 0x80])),
    file("x"),
  ),
  refused(
    "ARCHIVE_NAME_INVALID",
    "\\xe9",
    "hdrcharset BINARY, not UTF-8",
    pax({ hdrcharset: "BINARY", path: Buffer.from([0xe9]) }),
    file("x"),
  ),
  refused("ARCHIVE_NAME_INVALID", "x", "another character set", pax({ hdrcharset: "ISO-8859-1" }), file("x")),
  refused("ARCHIVE_NAME_INVALID", "l", "a target not UTF-8", { name: "l", type: "2", link: Buffer.from([0xff]) }),
  refused("ARCHIVE_NAME_INVALID", "l", "an empty target", symlink("l", "")),
  refused("ARCHIVE_NAME_INVALID", "", "an empty name", file("")),
  refused(
    "ARCHIVE_PATH_TOO_LONG",
    "n".repeat(256),
    "a part of 256 bytes, PAX",
    pax({ path: "n".repeat(256) }),
    file("x"),
  ),
  refused(
    "ARCHIVE_PATH_TOO_LONG",
    "é".repeat(128),
    "a part of 256 bytes in 128 letters",
    gnuLong("L", "é".repeat(128)),
    file("x"),
  ),
  refused("ARCHIVE_PATH_TOO_LONG", `${deep.slice(0, 512)}…`, "a path of 4,097 bytes", gnuLong("L", deep), file("x")),
  refused("ARCHIVE_PATH_TOO_LONG", "l", "a target of 4,097 bytes", gnuLong("K", deep), symlink("l", "x")),
];

const links: Specimen[] = [
  ...linksOut("absolute link", "/etc"),
  ...linksOut("link out of the root", "../../x"),
  ...linksOut("link to a sibling of the root", "../../workspace2/x"),
  ...linksOut("link to the root by its name", "../../workspace/d"),
  refused(
    "ARCHIVE_LINK_ESCAPES",
    "b",
    "link out through another link",
    directory("s"),
    symlink("s/a", ".."),
    symlink("b", "s/a/../x"),
  ),
  refused(
    "ARCHIVE_LINK_ESCAPES",
    "b",
    "link out through a later link",
    symlink("b", "d/e/a/../../x"),
    symlink("d/e/a", "../../z"),
  ),
  refused(
    "ARCHIVE_LINK_ESCAPES",
    "l",
    "a chain of links, the last first",
    symlink("d/e/c3", "../.."),
    symlink("d/c2", "e/c3"),
    symlink("c1", "d/c2"),
    symlink("l", "c1/../x"),
  ),
  refused(
    "ARCHIVE_LINK_ESCAPES",
    "l",
    "a chain of links, the first first",
    symlink("l", "c1/../x"),
    symlink("c1", "d/c2"),
    symlink("d/c2", "e/c3"),
    symlink("d/e/c3", "../.."),
  ),
  refused("ARCHIVE_LINK_ESCAPES", "l", "`..` after a name that is not there", symlink("l", "none/../../x")),
  refused("ARCHIVE_LINK_ESCAPES", "l", "`..` after a loop", symlink("loop", "loop"), symlink("l", "loop/../../x")),
  refused("ARCHIVE_PATH_THROUGH_LINK", "l/x", "a file through a link", directory("d"), symlink("l", "d"), file("l/x")),
  refused(
    "ARCHIVE_PATH_THROUGH_LINK",
    "l/x",
    "a directory through a link",
    directory("d"),
    symlink("l", "d"),
    directory("l/x"),
  ),
  refused(
    "ARCHIVE_PATH_THROUGH_LINK",
    "l/x",
    "a link through a link",
    directory("d"),
    symlink("l", "d"),
    symlink("l/x", "y"),
  ),
  refused("ARCHIVE_PATH_THROUGH_LINK", "l/x", "a file through a link that comes later", file("l/x"), symlink("l", "d")),
  refused(
    "ARCHIVE_PATH_THROUGH_LINK",
    "l/../x",
    "`..` after a link in a name",
    directory("d/e"),
    symlink("l", "d/e"),
    file("l/../x"),
  ),
  refused(
    "ARCHIVE_PATH_THROUGH_LINK",
    "l/x",
    "a file through a link, PAX",
    symlink("l", "d"),
    pax({ path: "l/x" }),
    file("y"),
  ),
  refused("ARCHIVE_PATH_THROUGH_LINK", "l", "`..` after a link that comes later", file("l/../x"), symlink("l", "d")),
  refused("ARCHIVE_HARD_LINK", "h", "hard link to nothing", hardlink("h", "none")),
  refused("ARCHIVE_HARD_LINK", "h", "hard link to a later file", hardlink("h", "f"), file("f")),
  refused("ARCHIVE_HARD_LINK", "h", "hard link to a directory", directory("d"), hardlink("h", "d")),
  refused("ARCHIVE_HARD_LINK", "h", "hard link to a link", file("f"), symlink("l", "f"), hardlink("h", "l")),
  refused("ARCHIVE_HARD_LINK", "h", "hard link through a link", file("d/f"), symlink("l", "d"), hardlink("h", "l/f")),
  refused("ARCHIVE_LINK_ESCAPES", "h", "hard link to an absolute name", hardlink("h", "/etc/passwd")),
  refused("ARCHIVE_LINK_ESCAPES", "h", "hard link out of the root", file("f"), hardlink("h", "../f")),
  refused(
    "ARCHIVE_LINK_ESCAPES",
    "h",
    "hard link out of the root, PAX",
    pax({ linkpath: "../../f" }),
    hardlink("h", "f"),
  ),
  refused("ARCHIVE_LINK_ESCAPES", "h", "hard link out of the root, GNU", gnuLong("K", "a/../../f"), hardlink("h", "f")),
];

const types: Specimen[] = [
  ...["3", "4", "6"].map((type) => refused("ARCHIVE_SPECIAL_FILE", "s", `type ${type}`, { name: "s", type })),
  refused("ARCHIVE_SPECIAL_FILE", "s", "a device by its PAX name", pax({ path: "s" }), { name: "x", type: "3" }),
  refused("ARCHIVE_SPECIAL_FILE", "s", "a FIFO, V7", { name: "s", type: "6", format: "v7" }),
  refused("ARCHIVE_SPECIAL_FILE", "s", "an unknown type", { name: "s", type: "Z" }),
  refused("ARCHIVE_TYPE_CONFLICT", "x", "a file, then a directory", file("x"), directory("x")),
  refused("ARCHIVE_TYPE_CONFLICT", "x", "a directory, then a file", directory("x/"), file("x")),
  refused("ARCHIVE_TYPE_CONFLICT", "x", "a file, then a link", file("x"), symlink("x", "y")),
  refused("ARCHIVE_TYPE_CONFLICT", "x", "a link, then a file", symlink("x", "y"), file("x")),
  refused(
    "ARCHIVE_TYPE_CONFLICT",
    "./x",
    "a link, then a directory by another spelling",
    symlink("x", "y"),
    directory("./x"),
  ),
  refused("ARCHIVE_TYPE_CONFLICT", "x/y", "a name below a file", file("x"), file("x/y")),
  refused("ARCHIVE_TYPE_CONFLICT", "x", "a file where a directory is implied", file("x/y"), file("x")),
  refused("ARCHIVE_TYPE_CONFLICT", ".", "the root as a link", symlink(".", "x")),
  refused("ARCHIVE_TYPE_CONFLICT", "l", "a hard link over a link", file("f"), symlink("l", "f"), hardlink("l", "f")),
];

const whole = tar(file("a"), file("b"));
const zipped = gzipSync(whole);
const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  copy[copy.length + at] = (copy.at(at) ?? 0) ^ 1;
  return copy;
};
const twoMembers = Buffer.concat([gzipSync(raw(file("a"))), gzipSync(tar(file("b")))]);

const damage: Specimen[] = [
  damaged("no bytes", null, Buffer.alloc(0)),
  damaged("text", "hello", Buffer.from("hello".padEnd(600, "\0"))),
  damaged("half a header", null, raw(file("a")).subarray(0, 300)),
  damaged("half a second header", "a", Buffer.concat([raw(file("a")), raw(file("b")).subarray(0, 300)])),
  damaged("half a content", "b", Buffer.concat([raw(file("a")), raw(file("b", "x".repeat(2000))).subarray(0, 1024)])),
  damaged("content without its padding", "a", raw(file("a")).subarray(0, 600)),
  damaged("wrong checksum", "b", tar(file("a"), { ...file("b"), checksum: "wrong" })),
  damaged("no checksum", "b", tar(file("a"), { ...file("b"), checksum: "none" })),
  damaged("negative size, base 256", "n", tar({ ...file("n"), size: base256(-512n, 12) })),
  damaged("size beyond 2^53, base 256", "n", tar({ ...file("n"), size: base256(2n ** 60n, 12) })),
  damaged("negative size, octal", "n", tar({ ...file("n"), size: "-0000000020\0" })),
  damaged("negative size, PAX", "n", tar(pax({ size: "-1" }), file("n"))),
  damaged("octal overflow", "n", tar({ ...file("n"), size: "777777777777" })),
  damaged("size that is no number", "n", tar({ ...file("n"), size: "0000000008z\0" })),
  damaged("size with a second number behind it", "n", tar({ ...file("n"), size: "00000 000010" })),
  damaged("no size", "n", tar({ ...file("n"), size: Buffer.alloc(12) })),
  damaged(
    "PAX record with a wrong length",
    "././@PaxHeader",
    tar(raw({ name: "././@PaxHeader", type: "x", content: "99 path=x\n" }), file("n")),
  ),
  damaged(
    "PAX record without its end",
    "././@PaxHeader",
    tar(raw({ name: "././@PaxHeader", type: "x", content: "9 path=xx" }), file("n")),
  ),
  damaged("PAX time that is none", "n", tar(pax({ mtime: "soon" }), file("n"))),
  damaged("an announced entry that does not come", "././@PaxHeader", tar(pax({ path: "x" }))),
  damaged("two PAX headers for one entry", "././@PaxHeader", tar(pax({ path: "x" }), pax({ path: "y" }), file("n"))),
  damaged("a link with content", "l", tar({ ...symlink("l", "x"), content: "y" })),
  damaged(
    "something after a single zero block",
    "a",
    Buffer.concat([raw(file("a")), Buffer.alloc(512), tar(file("b"))]),
  ),
  damaged("a part of another volume", "m", tar({ ...file("m"), type: "M" })),
  damaged(
    "a map of holes that goes back",
    "s",
    tar(
      pax([
        ["GNU.sparse.size", "10"],
        ["GNU.sparse.map", "5,2,0,2"],
      ]),
      file("s", "abcd"),
    ),
  ),
  damaged(
    "a map of holes that is too long",
    "s",
    tar(
      pax([
        ["GNU.sparse.size", "3"],
        ["GNU.sparse.map", "0,4"],
      ]),
      file("s", "abcd"),
    ),
  ),
  damaged(
    "a map of holes without an end",
    "s",
    tar(pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9" }), file("s", "99999999\n")),
  ),
  damaged("truncated gzip", "a", zipped.subarray(0, zipped.length - 20)),
  damaged("gzip without its trailer", "b", zipped.subarray(0, zipped.length - 8)),
  damaged("wrong gzip checksum", "b", flipped(zipped, -8)),
  damaged("wrong gzip length", "b", flipped(zipped, -1)),
  damaged("wrong checksum of the last member", "b", flipped(twoMembers, -8)),
  damaged("wrong checksum of an empty last member", "b", flipped(Buffer.concat([zipped, gzipSync("")]), -8)),
  damaged("garbage after gzip", "b", Buffer.concat([zipped, Buffer.from("garbage")])),
  damaged("garbage after zeros after gzip", "b", Buffer.concat([zipped, Buffer.alloc(512), Buffer.from("x")])),
  damaged("half a second member", "b", Buffer.concat([zipped, zipped.subarray(0, 15)])),
  damaged(
    "a gzip flag that means nothing",
    null,
    Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 0x20]), zipped.subarray(4)]),
  ),
];

/** Two pieces of a file with holes, the first a block long. */
const HEAD_AND_TAIL = `${"head".repeat(128)}tail`;

const oldSparse = (map: string, ...rest: [number, string][]) => ({
  name: "s",
  type: "S",
  format: "gnu" as const,
  content: HEAD_AND_TAIL,
  patch: [[386, map], ...rest] as [number, string][],
});
const o = (value: number) => octal(value, 12);

const fine: Specimen[] = [
  accepted(
    "files, directories, links",
    directory("d/"),
    file("d/f"),
    symlink("d/l", "f"),
    hardlink("d/h", "d/f"),
    symlink("up", "d/../d/f"),
  ),
  accepted("no directory entries", file("a/b/c"), file("a/d")),
  accepted("the root as an entry", directory("./"), file("./a"), directory("./b/")),
  accepted(
    "links that stay inside through links",
    directory("d/e"),
    symlink("d/e/up", "../.."),
    symlink("l", "d/e/up/d"),
    symlink("m", "d/e/up/x"),
  ),
  accepted(
    "a link that is right only through another",
    directory("a/b/c"),
    symlink("s", "a/b/c"),
    symlink("l", "s/../../x"),
  ),
  accepted(
    "dangling links and loops",
    symlink("none", "nothing/here"),
    symlink("a", "b"),
    symlink("b", "a"),
    symlink("self", "self"),
  ),
  accepted("the same directory twice", { ...directory("d"), mode: 0o700 }, file("d/f"), {
    ...directory("d"),
    mode: 0o755,
  }),
  accepted("the same file twice", file("f", "first, and longer"), hardlink("h", "f"), file("f", "second")),
  accepted("the same link twice", symlink("l", "a"), symlink("l", "b")),
  accepted("case and Unicode twins", file("readme"), file("README"), file("\u00e9"), file("e\u0301")),
  accepted("odd names", file("back\\slash"), file("new\nline"), file(" "), file("C:x"), file("-rf"), file("...")),
  accepted(
    "modes, special bits dropped",
    { ...file("set"), mode: 0o6755 },
    { ...directory("sticky"), mode: 0o1777 },
    { ...file("none"), mode: 0 },
  ),
  accepted("a hard link to a hard link", file("a"), hardlink("b", "a"), hardlink("c", "b")),
  accepted("a long name, PAX", pax({ path: long }), file("x")),
  accepted("a long name, GNU", gnuLong("L", long), file("x")),
  accepted("a long name, prefix", { ...file("x"), prefix: `${"d".repeat(100)}/e` }),
  accepted("a long target, PAX", pax({ linkpath: long }), symlink("l", "x")),
  accepted("a long target, GNU", gnuLong("K", long), symlink("l", "x")),
  accepted("a part of 255 bytes", pax({ path: "n".repeat(255) }), file("x")),
  accepted("Unicode in the header itself", file("größe/日本/🙂")),
  accepted(
    "times to the nanosecond, and before 1970",
    pax({ mtime: "1600000000.123456789" }),
    file("a"),
    pax({ mtime: "-1.5" }),
    file("b"),
    { ...file("c"), mtimeField: base256(-100n, 12) },
  ),
  accepted("a size in PAX", pax({ size: "3" }), { ...file("a", "abc"), size: o(0) }),
  accepted("a size in base 256", { ...file("a", "abc"), size: base256(3n, 12) }),
  accepted(
    "a global header",
    pax({ mtime: "1000000000" }, "g"),
    file("a"),
    pax({ mtime: "1100000000" }),
    file("b"),
    file("c"),
  ),
  accepted(
    "V7 headers",
    { ...file("a"), format: "v7", type: "\0" },
    { name: "d/", format: "v7", type: "\0", mode: 0o755 },
    file("d/x"),
  ),
  accepted("a contiguous file", { ...file("a"), type: "7" }),
  accepted("a directory that claims a size", { ...directory("d"), size: o(4096) }, file("f")),
  accepted("a signed checksum", { ...file("é"), checksum: "signed" }),
  accepted("numbers between spaces", { ...file("a", "abc"), size: "          3 " }),
  accepted("a volume label", { name: "label", type: "V", format: "gnu" }, file("a")),
  accepted("holes, old GNU", oldSparse(o(1024) + o(512) + o(9996) + o(4), [483, o(10_000)])),
  accepted(
    "holes, PAX 0.0",
    pax([
      ["GNU.sparse.size", "9000"],
      ["GNU.sparse.numblocks", "2"],
      ["GNU.sparse.offset", "100"],
      ["GNU.sparse.numbytes", "512"],
      ["GNU.sparse.offset", "8996"],
      ["GNU.sparse.numbytes", "4"],
    ]),
    file("s", HEAD_AND_TAIL),
  ),
  accepted(
    "holes, PAX 0.1",
    pax([
      ["GNU.sparse.size", "9000"],
      ["GNU.sparse.numblocks", "2"],
      ["GNU.sparse.name", "real"],
      ["GNU.sparse.map", "100,512,8996,4"],
    ]),
    file("s", HEAD_AND_TAIL),
  ),
  accepted(
    "holes, PAX 1.0",
    pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "real", "GNU.sparse.realsize": "9000" }),
    file("s", `${"2\n100\n512\n8996\n4\n".padEnd(512, "\0")}${HEAD_AND_TAIL}`),
  ),
  accepted("only a hole", { ...oldSparse(o(5000) + o(0), [483, o(5000)]), content: "" }),
  { name: "one zero block at the end", bytes: whole.subarray(0, whole.length - 512) },
  { name: "no zero block at the end", bytes: whole.subarray(0, whole.length - 1024) },
  { name: "no entries", bytes: END },
  { name: "anything after the end", bytes: Buffer.concat([whole, raw(file("/etc/x")), Buffer.from("garbage")]) },
  { name: "gzip", bytes: zipped },
  { name: "gzip in two members", bytes: twoMembers },
  { name: "gzip with zeros after it", bytes: Buffer.concat([zipped, Buffer.alloc(1000)]) },
  {
    name: "gzip with a name",
    bytes: Buffer.concat([
      Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]),
      Buffer.from("x.tar\0"),
      zipped.subarray(10),
    ]),
  },
  { ...accepted("`..` in a name, its directory never made", file("a/../b")), unlikeGnu: true },
  { ...accepted("a hard link to itself", file("a"), hardlink("a", "a")), unlikeGnu: true },
  {
    ...accepted(
      "blank records take values back",
      pax([
        ["path", ""],
        ["comment", "x"],
      ]),
      file("a"),
    ),
    unlikeGnu: true,
  },
];

/** Every line of the contract's list, in the flavours that archives come in. */
export const specimens: readonly Specimen[] = [...names, ...links, ...types, ...damage, ...fine];
