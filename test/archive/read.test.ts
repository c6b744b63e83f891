import assert from "node:assert/strict";
import { test } from "node:test";

import { character, fc, inAll } from "../property.js";

import type { ArchiveEntry } from "../../src/archive/entry.js";
import { createFilter } from "../../src/archive/filter.js";
import { readArchive } from "../../src/archive/read.js";
import { writeArchive } from "../../src/archive/write.js";
import { PyroError } from "../../src/contract/errors.js";
import { pax, tar } from "./raw-tar.js";
import { inPieces, readAll } from "./trees.js";

const paths = (bytes: Buffer, options = {}) =>
  readAll(inPieces(bytes), options).then((all) => all.map(({ path }) => path));

test("each entry is returned before the next is read, and unread content is skipped", async () => {
  const bytes = tar({ name: "a", content: "x".repeat(5_000) }, { name: "b", content: "y" });
  const reader = readArchive(inPieces(bytes, 512));
  assert.equal((await reader.next()).value?.path, "a");
  const second = (await reader.next()).value;
  assert.deepEqual([second?.path, second?.sizeBytes], ["b", 1]);
});

test("limits count all entries, implied directories included", async () => {
  const bytes = tar({ name: "a/b/c" }, { name: "d" });
  assert.deepEqual(await paths(bytes, { limits: { entries: 4 } }), ["a/b/c", "d"]);
  await assert.rejects(paths(bytes, { limits: { entries: 3 } }), {
    code: "ARCHIVE_TOO_MANY_ENTRIES",
    details: { entry: "d", reason: "the archive has more than 3 entries, implied directories included", limit: 3 },
  });
  const same = tar({ name: "f" }, { name: "f" }, { name: "f" });
  await assert.rejects(paths(same, { limits: { entries: 2 } }), { code: "ARCHIVE_TOO_MANY_ENTRIES" });
});

test("the space limit counts the content of all files, holes included, and is checked for each file", async () => {
  const bytes = tar({ name: "a", content: "12345" }, { name: "b", content: "12345" });
  assert.deepEqual(await paths(bytes, { freeBytes: 10 }), ["a", "b"]);
  for (const freeBytes of [9, () => 9]) {
    await assert.rejects(paths(bytes, { freeBytes }), (error: unknown) => {
      assert.ok(error instanceof PyroError && error.code === "WORKSPACE_FULL");
      assert.deepEqual([error.details["entry"], error.details["needed_bytes"]], ["b", 10]);
      return true;
    });
  }
  const hole = tar(pax({ "GNU.sparse.size": "1000000000000000", "GNU.sparse.map": "0,0" }), { name: "hole" });
  await assert.rejects(paths(hole, { freeBytes: 2 ** 40 }), { code: "WORKSPACE_FULL" });
});

test("excluded entries are counted once, and the rules do not apply to them", async () => {
  const bytes = tar(
    { name: "keep" },
    { name: "node_modules/", type: "5" },
    { name: "node_modules/a", content: "a" },
    { name: "node_modules/keep.txt" },
    { name: "dev/null", type: "3" },
    { name: "x.log" },
    { name: "important.log" },
  );
  const excluded: string[] = [];
  const filter = createFilter({ exclude: ["node_modules", "dev/", "*.log"], include: ["important.log", "keep.txt"] });
  assert.ok(filter);
  const kept = await paths(bytes, { filter, freeBytes: 0, onExcluded: (path: string) => excluded.push(path) });
  assert.deepEqual(kept, ["keep", "important.log"]);
  assert.deepEqual(excluded, ["node_modules", "dev", "x.log"]);
});

test("entries whose extended attributes are not imported are counted", async () => {
  const xattrs = { "SCHILY.xattr.user.a": "1", "SCHILY.xattr.user.b": "2" };
  const bytes = tar(
    pax(xattrs),
    { name: "several" },
    pax({ "LIBARCHIVE.xattr.user.a": "MQ" }),
    { name: "libarchive" },
    pax({ "SCHILY.acl.access": "user::rw-" }),
    { name: "acl" },
    pax({ comment: "x" }),
    { name: "none" },
    pax(xattrs),
    { name: "left-out" },
  );
  const filter = createFilter({ exclude: ["left-out"] });
  assert.ok(filter);
  let count = 0;
  await paths(bytes, { filter, onIgnoredXattrs: () => (count += 1) });
  assert.equal(count, 3);
});

test("a hard link to a file that was left out is refused, not lost", async () => {
  const filter = createFilter({ exclude: ["a"] });
  assert.ok(filter);
  const bytes = tar({ name: "a", content: "a" }, { name: "b", type: "1", link: "a" });
  await assert.rejects(paths(bytes, { filter }), { code: "ARCHIVE_HARD_LINK" });
});

test("patterns are those of .gitignore", () => {
  const cases: [exclude: string[], include: string[], path: string, isDirectory: boolean, excluded: string | null][] = [
    [["*.o"], [], "a/b.o", false, "a/b.o"],
    [["/a.o"], [], "b/a.o", false, null],
    [["build/"], [], "x/build", false, null],
    [["build/"], [], "x/build", true, "x/build"],
    [["build/"], ["build/keep"], "build/keep", false, "build"],
    [["build/*"], ["build/keep"], "build/keep", false, null],
    [["a/**/z"], [], "a/b/c/z", false, "a/b/c/z"],
    [["README"], [], "readme", false, null],
    [["#x"], [], "#x", false, null],
    [["\\#x"], [], "#x", false, "#x"],
    [["**"], ["*.ts"], "a.ts", false, null],
  ];
  for (const [exclude, include, path, isDirectory, expected] of cases) {
    const filter = createFilter({ exclude, include });
    assert.equal(filter?.excludedRoot(path, isDirectory), expected, JSON.stringify([exclude, include, path]));
  }
  assert.equal(createFilter({ include: ["x"] }), null);
});

test("deep chains of links that branch are followed to their end", async () => {
  const links = Array.from({ length: 4_000 }, (_, i) => ({
    name: `l${i}`,
    type: "2",
    link: `l${i + 1}/l${i + 1}/../x`,
  }));
  assert.equal((await paths(tar(...links))).length, links.length);
  const last = { name: `l${links.length}`, type: "2", link: "d" };
  assert.equal((await paths(tar(...links, last, { name: "d/", type: "5" }))).length, links.length + 2);
  const out = { name: `l${links.length}`, type: "2", link: "." };
  await assert.rejects(paths(tar(...links, out)), { code: "ARCHIVE_LINK_ESCAPES" });
});

const name = fc
  .oneof(
    fc.string({ unit: character, minLength: 1, maxLength: 60 }),
    fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 200 }),
  )
  .map((text) => text.replaceAll("/", "_").replaceAll("\0", "_"))
  .filter((text) => text !== "." && text !== ".." && Buffer.byteLength(text) <= 255);
const times = fc.record({
  mtimeS: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
  mtimeNs: fc.integer({ min: 0, max: 999_999_999 }),
});

test("every written archive is read back, and its length is known before", async () => {
  const entries = fc.uniqueArray(
    fc.record({
      parts: fc.array(name, { minLength: 1, maxLength: 6 }),
      mode: fc.integer({ min: 0, max: 0o777 }),
      time: times,
      content: fc.uint8Array({ maxLength: 2_000 }),
      target: name,
      kind: fc.constantFrom("file", "directory", "symlink"),
    }),
    { selector: ({ parts }) => parts[0] ?? "", maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(entries, fc.integer({ min: 1, max: 3_000 }), async (generated, pieceBytes) => {
      const given = generated.map(({ parts, mode, time, content, target, kind }) => ({
        path: parts.join("/"),
        type: kind as ArchiveEntry["type"],
        mode: kind === "symlink" ? 0o777 : mode,
        ...time,
        sizeBytes: kind === "file" ? content.length : 0,
        target: kind === "symlink" ? target : null,
        bytes: Buffer.from(kind === "file" ? content : []),
      }));
      async function* written() {
        for (const entry of given) yield { ...entry, content: inPieces(entry.bytes, 700) };
      }
      const chunks: Buffer[] = [];
      for await (const chunk of writeArchive(written())) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      const read = await readAll(inPieces(bytes, pieceBytes));
      assert.deepEqual(
        read.map((entry) => ({ ...entry, content: null })),
        given.map((entry) => ({ ...entry, content: null })),
      );
    }),
    { numRuns: inAll(60) },
  );
});

test("all links that leave the tree are named, also those that leave it through another link", async () => {
  const link = (name: string, target: string) => ({ name, type: "2", link: target });
  const many = Array.from({ length: 30 }, (_, number) => link(`l${number}`, "/etc"));
  await assert.rejects(paths(tar(link("through", "up/x"), link("up", "../.."), link("in", "x"), ...many)), (error) => {
    assert.ok(error instanceof PyroError && error.code === "ARCHIVE_LINK_ESCAPES");
    const entries = error.details["entries"] as string[];
    assert.deepEqual([entries.slice(0, 3), entries.length], [["through", "up", "l0"], 20]);
    assert.deepEqual([error.details["entry"], error.details["count"]], ["through", 32]);
    return true;
  });
});

test("links may leave the tree of a directory; an entry behind one is refused, and so is a hard link that leads out", async () => {
  const link = (name: string, target: string) => ({ name, type: "2", link: target });
  const linksMayLeave = true;
  const kept = await readAll(inPieces(tar(link("a", "/etc/passwd"), link("b", "../../x"))), { linksMayLeave });
  assert.deepEqual(
    kept.map(({ path, target }) => [path, target]),
    [
      ["a", "/etc/passwd"],
      ["b", "../../x"],
    ],
  );
  const through = tar(link("a", "/etc"), { name: "a/passwd", content: "x" });
  await assert.rejects(paths(through, { linksMayLeave }), { code: "ARCHIVE_PATH_THROUGH_LINK" });
  const hard = tar({ name: "a", type: "1", link: "/etc/passwd" });
  await assert.rejects(paths(hard, { linksMayLeave }), { code: "ARCHIVE_LINK_ESCAPES" });
});
