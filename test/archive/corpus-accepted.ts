import { gzipSync } from "node:zlib";

import { base256, END, gnuLong, octal, pax, raw, tar } from "./raw-tar.js";
import { accepted, directory, file, hardlink, type Specimen, symlink } from "./specimen.js";

const long = `${"d".repeat(60)}/${"e".repeat(60)}/${"f".repeat(200)}`;
const whole = tar(file("a"), file("b"));
const zipped = gzipSync(whole);
const twoMembers = Buffer.concat([gzipSync(raw(file("a"))), gzipSync(tar(file("b")))]);

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

export const fine: readonly Specimen[] = [
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
