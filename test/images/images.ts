import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { pax, type RawEntry, tar } from "../archive/raw-tar.js";
import { directory, file, hardlink, symlink } from "../archive/specimen.js";
import { type MadeImage, makeImage } from "../environments/image/saved.js";

const owned = (entry: RawEntry, uid: number, mode = 0o644): RawEntry => ({
  ...entry,
  mode,
  patch: [
    [108, `${uid.toString(8).padStart(7, "0")}\0`],
    [116, `${(uid + 1).toString(8).padStart(7, "0")}\0`],
  ],
});
const device = (name: string, type: "3" | "4", major: number, minor: number): RawEntry => ({
  ...{ name, type },
  patch: [
    [329, `${major.toString(8).padStart(7, "0")}\0`],
    [337, `${minor.toString(8).padStart(7, "0")}\0`],
  ],
});
const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");

/** A root of busybox alone. */
export function busybox(): MadeImage {
  const names = ["sh", "ls", "cat", "uname", "id", "find", "sleep"];
  return makeImage(
    [
      tar(
        directory("bin"),
        { ...file("bin/busybox"), content: readFileSync("/bin/busybox"), mode: 0o755 },
        ...names.map((name) => symlink(`bin/${name}`, "busybox")),
      ),
    ],
    { Env: ["PATH=/bin"], User: "", WorkingDir: "" },
  );
}

/** Every way in which a layer removes or replaces what is below it, and every kind of entry. */
export function tricks(): MadeImage {
  return makeImage([
    tar(
      ...[directory("a"), file("a/one"), file("a/two"), directory("a/deep"), file("a/deep/x"), directory("b")],
      ...[file("b/x"), directory("opaque"), file("opaque/lower"), directory("opaque2"), file("opaque2/lower")],
      ...[file("becomes-directory"), directory("becomes-file"), file("becomes-file/x"), symlink("link", "b")],
      ...[
        file("first"),
        hardlink("second", "first"),
        hardlink("third", "first"),
        file("gone"),
        directory("gone-directory"),
      ],
      ...[file("gone-directory/x"), owned(file("owned"), 1234, 0o4755), owned(directory("owned-directory"), 65_533)],
      ...[device("null", "3", 1, 3), device("big", "4", 300, 70_000), { name: "fifo", type: "6" }],
      ...[pax({ "SCHILY.xattr.security.capability": capability }), { ...file("ping"), mode: 0o755 }],
      ...[pax({ "SCHILY.xattr.user.a": "1", "SCHILY.xattr.user.b": "x".repeat(900) }), file("attributes")],
      ...[pax({ path: `long/${"n".repeat(200)}` }), file("x"), { ...directory("sticky"), mode: 0o1777 }],
      ...[
        { ...file(""), name: Buffer.from("na\u00efve", "utf8") },
        { ...file("old"), mtime: 1 },
      ],
      ...[pax({ mtime: "1700000000.5" }), file("new")],
    ),
    tar(
      ...[file(".wh.gone", ""), file(".wh.gone-directory", ""), file("a/.wh.one", ""), directory("opaque")],
      ...[file("opaque/.wh..wh..opq", ""), file("opaque/upper"), directory("opaque2"), file("opaque2/upper")],
      ...[file("opaque2/.wh..wh..opq", ""), directory("becomes-directory"), file("becomes-directory/x")],
      ...[file("becomes-file"), file(".wh.third", ""), file("a/.wh.nothing", "")],
      owned({ ...directory("b"), mode: 0o700 }, 7, 0o700),
    ),
    tar(file("gone"), file("a/.wh.deep", ""), file("second", "another content"), file("b/y")),
  ]);
}

/** Links that lead out of the image, and files of later layers through them: both stay in the image. */
export function links(): MadeImage {
  return makeImage([
    tar(
      ...[directory("etc"), file("etc/passwd", "of the image\n"), symlink("absolute", "/etc"), directory("d")],
      ...[symlink("d/up", "../../../../etc"), symlink("d/deep", "/d/up"), symlink("nowhere", "/missing/x")],
    ),
    tar(file("absolute/by-absolute"), file("d/up/by-relative"), file("absolute/.wh.passwd", "")),
    tar(file("d/deep/by-both"), file("/etc/by-name")),
  ]);
}

/** Layers of no other image: skopeo would take those that the registry has already, compressed otherwise. */
export function compressed(): MadeImage {
  const names = Array.from({ length: 8 }, (_, index) => `zstd/${index}`);
  return makeImage([
    tar(...names.map((name) => file(name, `only ${name}`))),
    tar(file("zstd/.wh.0"), file("zstd/new")),
  ]);
}

/** 60 layers; each adds, replaces and removes something. */
export function manyLayers(): MadeImage {
  return makeImage(
    Array.from({ length: 60 }, (_, index) =>
      tar(
        ...[directory("d"), file(`d/${index}`), file("same", `of layer ${index}`)],
        ...(index > 2 && index % 3 === 0 ? [file(`d/.wh.${index - 2}`, "")] : []),
      ),
    ),
  );
}

/** A whole root of Debian, by mmdebstrap. */
export function debian(scratch: string): MadeImage {
  const path = join(scratch, "debian.tar");
  execFileSync("mmdebstrap", ["--variant=essential", "--quiet", "bookworm", path], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return makeImage([readFileSync(path), tar(directory("etc"), file("etc/added"), file("etc/.wh.debian_version", ""))]);
}
