import type { ErrorCode } from "../../src/contract/errors.js";
import { gnuLong, pax } from "./raw-tar.js";
import { directory, file, hardlink, refused, type Specimen, symlink } from "./specimen.js";

const deep = `${"p/".repeat(2048)}x`;

/** A name in each field in which a format can store it: header, prefix, extended header, GNU long name. */
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

export const names: readonly Specimen[] = [
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

export const links: readonly Specimen[] = [
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

export const types: readonly Specimen[] = [
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
