import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test, type TestContext } from "node:test";

import { base256, END, pax, raw, tar } from "../../archive/raw-tar.js";
import { directory, file, hardlink, symlink } from "../../archive/specimen.js";
import { temporaryDirectory } from "../fake-source.js";
import { filesOf, pathsOf } from "./files.js";

async function paths(context: TestContext, ...layers: readonly Buffer[]) {
  const files = await filesOf(await temporaryDirectory(context), layers);
  context.after(() => files.blocks.close());
  return pathsOf(files.tree);
}

test("an upper layer replaces files and keeps the other entries of lower directories", async (context) => {
  const lower = tar(directory("a"), file("a/one"), file("a/two"), file("b"));
  assert.deepEqual(await paths(context, lower, tar(directory("a"), file("a/three"), directory("b"))), [
    ...["a/", "a/one", "a/three", "a/two", "b/"],
  ]);
});

test("a whiteout removes a name of lower layers, but no name of its own layer", async (context) => {
  const lower = tar(directory("a"), file("a/one"), file("a/two"));
  assert.deepEqual(await paths(context, lower, tar(file("a/.wh.one", ""))), ["a/", "a/two"]);
  for (const upper of [tar(file("a/.wh.one", ""), file("a/one")), tar(file("a/one"), file("a/.wh.one", ""))])
    assert.deepEqual(await paths(context, lower, upper), ["a/", "a/one", "a/two"]);
});

test("a whiteout and a directory of the same name: the directory has only entries of its own layer", async (context) => {
  const lower = tar(directory("a"), file("a/one"));
  for (const upper of [tar(directory("a"), file("a/new"), file(".wh.a", "")), tar(file(".wh.a", ""), file("a/new"))])
    assert.deepEqual(await paths(context, lower, upper), ["a/", "a/new"]);
});

test("an opaque directory hides entries of lower layers, wherever its mark is in the archive", async (context) => {
  const lower = tar(directory("a"), file("a/one"), directory("a/deep"), file("a/deep/two"));
  for (const upper of [
    tar(directory("a"), file("a/.wh..wh..opq", ""), file("a/deep/new")),
    tar(file("a/deep/new"), directory("a"), file("a/.wh..wh..opq", "")),
  ])
    assert.deepEqual(await paths(context, lower, upper), ["a/", "a/deep/", "a/deep/new"]);
});

test("as many marks as names in one directory are applied, and marks of directories in each other", async (context) => {
  const count = 10_000;
  const files = Array.from({ length: count }, (_, index) => file(`a/${index}`, ""));
  const marks = Array.from({ length: count }, () => file("a/.wh..wh..opq", ""));
  const lower = tar(directory("a"), file("a/lower"));
  assert.equal((await paths(context, lower, tar(...files, ...marks))).length, count + 1);
  const depth = 30;
  const bottom = "d/".repeat(depth);
  const deep = Array.from({ length: depth }, (_, index) => file(`${"d/".repeat(depth - index)}.wh..wh..opq`, ""));
  const merged = await paths(context, tar(file(`${bottom}old`)), tar(file(`${bottom}new`), ...deep));
  assert.equal(merged.at(-1), `${bottom}new`);
  assert.equal(merged.length, depth + 1);
});

test("marks of aufs are left out; a whiteout of a missing name has no effect", async (context) => {
  const layer = tar(
    file(".wh..wh.aufs", ""),
    directory(".wh..wh.plnk"),
    file(".wh..wh.plnk/x"),
    file("gone/.wh.x", ""),
  );
  assert.deepEqual(await paths(context, layer, tar(file("y"))), ["y"]);
});

test("a plain root file system has no whiteouts", async (context) => {
  const files = await filesOf(await temporaryDirectory(context), [tar(file("x"), file(".wh.x", ""))], {
    whiteouts: false,
  });
  context.after(() => files.blocks.close());
  assert.deepEqual(pathsOf(files.tree), [".wh.x", "x"]);
});

test("a path through a link stays in the image", async (context) => {
  const lower = tar(directory("usr"), directory("usr/lib"), symlink("lib", "usr/lib"), symlink("out", "/../../usr"));
  assert.deepEqual(await paths(context, lower, tar(file("lib/new"), file("out/x"))), [
    ...["lib", "out", "usr/", "usr/lib/", "usr/lib/new", "usr/x"],
  ]);
});

test("a circular link on a path is replaced by a directory", async (context) => {
  assert.deepEqual(await paths(context, tar(symlink("a", "b"), symlink("b", "a")), tar(file("a/x"))), [
    "a/",
    "a/x",
    "b",
  ]);
});

test("hard links share an inode, also across layers and with links", async (context) => {
  const files = await filesOf(await temporaryDirectory(context), [tar(file("a")), tar(hardlink("b", "a"))]);
  context.after(() => files.blocks.close());
  assert.equal(files.tree.find(["a"]), files.tree.find(["b"]));
});

test("owners, modes, times, devices and attributes arrive", async (context) => {
  const mode = { mode: 0o4755, patch: [[108, "0001750\0"]] as const };
  const files = await filesOf(await temporaryDirectory(context), [
    tar(
      ...[pax({ gid: "70000", mtime: "1.5", "SCHILY.xattr.user.x": Buffer.from([1, 0, 2]) }), { name: "a", ...mode }],
      {
        name: "tty",
        type: "3",
        patch: [
          [329, "0000004\0"],
          [337, "0000001\0"],
        ],
      },
    ),
  ]);
  context.after(() => files.blocks.close());
  const { content: _, ...inode } = files.tree.find(["a"])!;
  const expected = { type: "file", mode: 0o4755, uid: 1000, gid: 70000, mtimeS: 1, mtimeNs: 500_000_000 };
  const rest = { xattrs: new Map([["user.x", Buffer.from([1, 0, 2])]]), target: null, device: null, entries: null };
  assert.deepEqual(inode, { ...expected, ...rest });
  assert.deepEqual(files.tree.find(["tty"])?.device, [4, 1]);
});

for (const [what, code, ...entries] of [
  ["a name that leads out", "ARCHIVE_PATH_ESCAPES", file("../x")],
  ["a name with `..` inside", "ARCHIVE_PATH_ESCAPES", file("a/../../x")],
  ["a whiteout that leads out", "ARCHIVE_PATH_ESCAPES", file("../.wh.x", "")],
  ["a whiteout of `..`", "ARCHIVE_PATH_ESCAPES", file(".wh...", "")],
  ["a whiteout of `.`", "ARCHIVE_NAME_INVALID", file(".wh..", "")],
  ["a whiteout without a name", "ARCHIVE_NAME_INVALID", file(".wh.", "")],
  ["a hard link that leads out", "ARCHIVE_PATH_ESCAPES", hardlink("x", "../../etc/passwd")],
  ["a hard link to what does not exist", "ARCHIVE_HARD_LINK", hardlink("x", "/etc/passwd")],
  ["a hard link to a directory", "ARCHIVE_HARD_LINK", directory("d"), hardlink("x", "d")],
  ["a name that is too long", "ARCHIVE_PATH_TOO_LONG", pax({ path: "x".repeat(256) }), file("x")],
  ["a link without a target", "ARCHIVE_NAME_INVALID", symlink("x", "")],
  ["a type that no one knows", "ARCHIVE_SPECIAL_FILE", { name: "x", type: "D" }],
  ["a file in the root's place", "ARCHIVE_TYPE_CONFLICT", file(".")],
  [
    ...(["attributes of more than a block", "ENVIRONMENT_BUILD_FAILED"] as const),
    ...[pax({ "SCHILY.xattr.user.x": Buffer.alloc(5000, "x") }), file("x")],
  ],
  ["an owner out of range", "ARCHIVE_CORRUPT", pax({ uid: "4294967295" }), file("x")],
] as const) {
  test(`refused: ${what}`, async (context) => {
    const scratch = await temporaryDirectory(context);
    const layer = tar(...entries.map((entry) => (Buffer.isBuffer(entry) ? entry : raw(entry))));
    await assert.rejects(filesOf(scratch, [layer]), { code });
    assert.deepEqual(readdirSync(scratch), ["root.img"]);
  });
}

test("an attribute that ext4 cannot hold is left out, however large it is", async (context) => {
  const layer = tar(pax({ "SCHILY.xattr.other.x": Buffer.alloc(100_000, "x") }), file("a"));
  const files = await filesOf(await temporaryDirectory(context), [layer]);
  context.after(() => files.blocks.close());
  assert.deepEqual(files.tree.find(["a"])?.xattrs, new Map());
});

const long = "x".repeat(90);
const withXattr = (name: string, value: string) => tar(pax({ [`SCHILY.xattr.${name}`]: value }), file("a"));
for (const [what, limits, ...layers] of [
  ["entries of all layers", { entries: 3, bytes: 1000 }, tar(file("a"), file("b")), tar(file("c"), file(".wh.a", ""))],
  ["directories that a name makes", { entries: 3, bytes: 1000 }, tar(file("a/b/c/d"))],
  ["names", { entries: 9, bytes: 150 }, tar(file(long)), tar(file(long))],
  ["link targets", { entries: 9, bytes: 150 }, tar(symlink("a", long)), tar(symlink("b", long))],
  ["values of attributes", { entries: 9, bytes: 150 }, withXattr("user.x", long), withXattr("user.x", long)],
  ["names of attributes", { entries: 9, bytes: 150 }, withXattr(`user.${long}`, ""), withXattr(`user.${long}`, "")],
] as const) {
  test(`refused: more ${what} than the daemon has memory for`, async (context) => {
    const layered = filesOf(await temporaryDirectory(context), layers, { limits });
    await assert.rejects(layered, { code: "ARCHIVE_TOO_MANY_ENTRIES" });
    const files = await filesOf(await temporaryDirectory(context), layers.slice(0, 1), {
      limits: { ...limits, entries: 9 },
    });
    await files.blocks.close();
  });
}

const skipped = raw({ name: ".wh.x", size: base256(2n ** 50n, 12) });

/** The start of a layer, then pieces of zeros. */
async function* longLayer(start: Buffer, pieces: number, pieceBytes: number, onPiece: (index: number) => void) {
  yield start;
  const zeros = Buffer.alloc(pieceBytes);
  for (let index = 1; index <= pieces; index += 1) {
    onPiece(index);
    yield zeros;
  }
}

for (const [what, start] of [
  ["content that is passed over", skipped],
  ["bytes behind the end of the archive", END],
] as const) {
  test(`a pull is cancelled within ${what}`, async (context) => {
    const cancel = new AbortController();
    let last = 0;
    const layer = longLayer(start, 10, 65_536, (index) => {
      last = index;
      if (index === 3) cancel.abort();
    });
    await assert.rejects(filesOf(await temporaryDirectory(context), [layer], { signal: cancel.signal }), {
      name: "AbortError",
    });
    assert.equal(last, 3);
  });

  test(`a layer has a largest size, with ${what}`, async (context) => {
    const layer = longLayer(start, 1025, 64 * 2 ** 20, () => {});
    await assert.rejects(
      filesOf(await temporaryDirectory(context), [layer]),
      ({ details }: { details?: { reason?: string } }) => {
        assert.equal(details?.reason, "too_large");
        return true;
      },
    );
  });
}

test("a pull is cancelled within a hole of a file", async (context) => {
  const size = String(40 * 2 ** 30);
  const cancel = new AbortController();
  async function* layer() {
    setImmediate(() => cancel.abort());
    yield tar(pax({ "GNU.sparse.size": size, "GNU.sparse.map": `${size},0` }), file("a", ""));
  }
  await assert.rejects(filesOf(await temporaryDirectory(context), [layer()], { signal: cancel.signal }), {
    name: "AbortError",
  });
});

test("a layer that is cut is refused", async (context) => {
  const layer = tar(file("a", "x".repeat(5000)));
  for (const length of [100, 600, 3000])
    await assert.rejects(filesOf(await temporaryDirectory(context), [layer.subarray(0, length)]), {
      code: "ARCHIVE_CORRUPT",
    });
});
