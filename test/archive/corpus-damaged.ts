import { gzipSync } from "node:zlib";

import { base256, pax, raw, tar } from "./raw-tar.js";
import { damaged, file, type Specimen, symlink } from "./specimen.js";

const whole = tar(file("a"), file("b"));
const zipped = gzipSync(whole);
const flipped = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  copy[copy.length + at] = (copy.at(at) ?? 0) ^ 1;
  return copy;
};
const twoMembers = Buffer.concat([gzipSync(raw(file("a"))), gzipSync(tar(file("b")))]);

export const damage: readonly Specimen[] = [
  damaged("no bytes", null, Buffer.alloc(0)),
  damaged("text", null, Buffer.from("hello".padEnd(600, "\0"))),
  damaged("half a header", null, raw(file("a")).subarray(0, 300)),
  damaged("half a second header", "a", Buffer.concat([raw(file("a")), raw(file("b")).subarray(0, 300)])),
  damaged("half a content", "b", Buffer.concat([raw(file("a")), raw(file("b", "x".repeat(2000))).subarray(0, 1024)])),
  damaged("content without its padding", "a", raw(file("a")).subarray(0, 600)),
  damaged("wrong checksum", "a", tar(file("a"), { ...file("b"), checksum: "wrong" })),
  damaged("no checksum", "a", tar(file("a"), { ...file("b"), checksum: "none" })),
  damaged("negative size, base 256", "n", tar({ ...file("n"), size: base256(-512n, 12) })),
  damaged("size beyond 2^53, base 256", "n", tar({ ...file("n"), size: base256(2n ** 60n, 12) })),
  damaged("negative size, octal", "n", tar({ ...file("n"), size: "-0000000020\0" })),
  damaged("negative size, PAX", "n", tar(pax({ size: "-1" }), file("n"))),
  { ...damaged("octal overflow", "n", tar({ ...file("n"), size: "777777777777" })), fitsNowhere: true },
  damaged("size that is not a number", "n", tar({ ...file("n"), size: "0000000008z\0" })),
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
    "a piece of a sparse file that is not whole blocks, before another one",
    "s",
    tar(
      pax([
        ["GNU.sparse.size", "2000"],
        ["GNU.sparse.map", "0,100,1000,4"],
      ]),
      file("s", "x".repeat(104)),
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
