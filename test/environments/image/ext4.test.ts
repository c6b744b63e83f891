import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { finishExt4 } from "../../../src/environments/image/ext4.js";
import { makeInode } from "../../../src/environments/image/tree.js";
import { pax, raw, type RawEntry, tar } from "../../archive/raw-tar.js";
import { directory, file, hardlink, symlink } from "../../archive/specimen.js";
import { temporaryDirectory } from "../fake-source.js";
import { askDebugfs, checkFileSystem, filesOf } from "./files.js";

type Entries = readonly (RawEntry | Buffer)[];

async function imageOf(context: TestContext, ...entries: Entries): Promise<string> {
  const scratch = await temporaryDirectory(context);
  const { tree, blocks } = await filesOf(scratch, [tar(...entries)]);
  await finishExt4(tree, blocks);
  const image = join(scratch, "root.img");
  checkFileSystem(image);
  return image;
}

test("an empty root is a file system", async (context) => {
  assert.match(askDebugfs(await imageOf(context), "ls -l /"), /^ +2 +40755/);
});

test("contents, owners, modes, links and devices are those of the archive", async (context) => {
  const target = `/${"t".repeat(98)}`;
  const image = await imageOf(
    context,
    ...[directory("d"), file("d/empty", ""), file("d/small", "small"), hardlink("again", "d/small")],
    ...[symlink("short", "d/small"), symlink("long", target), { name: "fifo", type: "6" }],
    {
      name: "set",
      mode: 0o6711,
      content: "x",
      patch: [
        [108, "0303240\0"],
        [116, "0001750\0"],
      ],
    },
    {
      name: "null",
      type: "3",
      patch: [
        [329, "0000001\0"],
        [337, "0000003\0"],
      ],
    },
    {
      name: "big",
      type: "4",
      patch: [
        [329, "0000454\0"],
        [337, "0210560\0"],
      ],
    },
  );
  assert.equal(askDebugfs(image, "cat /d/small"), "small");
  assert.equal(askDebugfs(image, "cat /again"), "small");
  assert.equal(askDebugfs(image, "cat /d/empty"), "");
  assert.equal(askDebugfs(image, "cat /long"), target);
  assert.match(askDebugfs(image, "stat /short"), /Fast link dest: "d\/small"/);
  assert.match(askDebugfs(image, "stat /again"), /Links: 2/);
  assert.match(askDebugfs(image, "stat /d"), /Type: directory[^]*Links: 2/);
  assert.match(askDebugfs(image, "stat /set"), /Mode: +06711[^]*User: 100000 +Group: +1000/);
  assert.match(askDebugfs(image, "stat /null"), /Type: character special[^]*01:03/);
  assert.match(askDebugfs(image, "stat /big"), /Type: block special[^]*300:70000/);
  assert.match(askDebugfs(image, "stat /fifo"), /Type: FIFO/);
});

test("extended attributes of every length arrive, with those of capabilities", async (context) => {
  const capability = Buffer.from("0100000200200000000000000000000000000000", "hex");
  const attributes = { "SCHILY.xattr.user.b": "", "SCHILY.xattr.user.a": "x".repeat(1001) };
  const image = await imageOf(
    context,
    pax({ "SCHILY.xattr.security.capability": capability, ...attributes }),
    file("ping"),
  );
  assert.match(askDebugfs(image, "ea_list /ping"), /user\.a \(1001\)[^]*user\.b \(0\)[^]*security\.capability \(20\)/);
  assert.match(askDebugfs(image, "ea_get -x /ping security.capability"), /01 ?00 ?00 ?02/);
});

test("access control lists arrive, and bytes that are not such a list are refused", async (context) => {
  const entries = [
    [0x01, 6, -1],
    [0x02, 4, 1234],
    [0x04, 4, -1],
    [0x10, 4, -1],
    [0x20, 0, -1],
  ] as const;
  const acl = Buffer.alloc(4 + 8 * entries.length);
  acl.writeUInt32LE(2, 0);
  for (const [index, [tag, permission, id]] of entries.entries()) {
    acl.writeUInt16LE(tag, 4 + 8 * index);
    acl.writeUInt16LE(permission, 6 + 8 * index);
    acl.writeInt32LE(id, 8 + 8 * index);
  }
  const name = "SCHILY.xattr.system.posix_acl_access";
  const image = await imageOf(context, pax({ [name]: acl, "SCHILY.xattr.user.a": "x" }), file("listed"));
  assert.match(askDebugfs(image, "ea_list /listed"), /user\.a[^]*system\.posix_acl_access \(28\)/);
  assert.match(askDebugfs(image, "ea_get -x /listed system.posix_acl_access"), /d2 04 00 00/);
  await assert.rejects(imageOf(context, pax({ [name]: "nonsense" }), file("x")), { code: "ENVIRONMENT_BUILD_FAILED" });
});

test("a directory of many blocks, and more inodes than a group has", async (context) => {
  const names = Array.from({ length: 33_000 }, (_, index) => `link-with-a-name-of-some-length-${index}`);
  const scratch = await temporaryDirectory(context);
  const { tree, blocks } = await filesOf(scratch, []);
  for (const name of names) tree.put(["many", name], makeInode("symlink", 0o777, { target: name }), 0);
  await finishExt4(tree, blocks);
  const image = join(scratch, "root.img");
  checkFileSystem(image);
  assert.match(askDebugfs(image, `stat /many/${names.at(-1)}`), /Fast link dest/);
});

test("a file of 700 MiB spans groups and needs extents of its own; its zeros take no room", async (context) => {
  const scratch = await temporaryDirectory(context);
  const { tree, blocks } = await filesOf(scratch, []);
  const piece = Buffer.alloc(1_048_576);
  function* content() {
    for (let mib = 0; mib < 699; mib += 1) yield piece;
    yield Buffer.from("end");
  }
  tree.put(["large"], makeInode("file", 0o644, { content: await blocks.append(content()) }), 0);
  await finishExt4(tree, blocks);
  const image = join(scratch, "root.img");
  checkFileSystem(image);
  assert.ok(statSync(image).blocks * 512 < 20 * 1_048_576);
  assert.match(askDebugfs(image, "stat /large"), new RegExp(`Size: ${699 * 1_048_576 + 3}\n`));
});

test("the same layers give the same bytes, whenever they are read", async (context) => {
  const layer = () => [directory("a"), raw(file("a/x")), symlink("b", "a")] as const;
  const [one, two] = [await imageOf(context, ...layer()), await imageOf(context, ...layer())];
  assert.ok(readFileSync(one).equals(readFileSync(two)));
});
