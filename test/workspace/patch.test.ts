import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import type { Entry } from "../../src/workspace/entry.js";
import { applyPatches, type Patchable } from "../../src/workspace/patch.js";
import { renderDiff, type Side } from "../../src/workspace/unified.js";
import { fc } from "../property.js";

const file = (text: string, mode = 0o644): Patchable => ({ type: "file", mode, bytes: Buffer.from(text) });

async function apply(files: Record<string, Patchable>, patch: string | Buffer, isReverse = false) {
  const read = (path: string) => Promise.resolve(files[path] ?? null);
  const result = await applyPatches(Buffer.from(patch), isReverse, read);
  return { files: Object.fromEntries(result.files), rejects: result.rejects };
}

function side(path: string, content: Patchable | null): Side {
  if (content === null) return { path, entry: null, bytes: null };
  if (content.type === "link") return { path, entry: content, bytes: null };
  const digest = createHash("sha256").update(content.bytes).digest("hex");
  const entry: Entry = { type: "file", mode: content.mode, sizeBytes: content.bytes.length, digest };
  return { path, entry, bytes: content.bytes };
}

const change = "--- a/f.txt\n+++ b/f.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";

test("a plain unified diff changes a file", async () => {
  const { files, rejects } = await apply({ "f.txt": file("one\ntwo\nthree\n", 0o755) }, change);
  assert.deepEqual(files, { "f.txt": file("one\n2\nthree\n", 0o755) });
  assert.deepEqual(rejects, []);
});

test("a plain diff without a/ and b/ has the file's name", async () => {
  const { files } = await apply({ "f.txt": file("one\ntwo\nthree\n") }, change.replaceAll(/[ab]\/f/g, "f"));
  assert.deepEqual(files, { "f.txt": file("one\n2\nthree\n") });
});

test("a reversed patch undoes the change", async () => {
  const { files } = await apply({ "f.txt": file("one\n2\nthree\n") }, change, true);
  assert.deepEqual(files, { "f.txt": file("one\ntwo\nthree\n") });
});

test("a hunk whose lines moved still fits", async () => {
  const { files } = await apply({ "f.txt": file("zero\none\ntwo\nthree\n") }, change);
  assert.deepEqual(files, { "f.txt": file("zero\none\n2\nthree\n") });
});

test("a hunk whose number is far behind the end of its file fits where its lines are", async () => {
  const far = change.replace("-1,3 +1,3", "-9007199254740991,3 +9007199254740991,3");
  const { files } = await apply({ "f.txt": file("zero\none\ntwo\nthree\n") }, far);
  assert.deepEqual(files, { "f.txt": file("zero\none\n2\nthree\n") });
});

test("a new line without context fits at the end of a file, and not behind it", async () => {
  const append = (line: number) =>
    apply({ n: file("1\n2\n") }, `--- a/n\n+++ b/n\n@@ -${line},0 +${line + 1} @@\n+3\n`);
  assert.deepEqual((await append(2)).files, { n: file("1\n2\n3\n") });
  for (const line of [5, 10_000, 9_007_199_254_740_990]) {
    assert.deepEqual(
      (await append(line)).rejects.map(({ reason }) => reason),
      ["does-not-fit"],
    );
  }
  const moved = "--- a/n\n+++ b/n\n@@ -1,1 +1,1 @@\n-2\n+two\n@@ -3,0 +3,1 @@\n+3\n";
  const { files, rejects: refused } = await apply({ n: file("0\n".repeat(9) + "2\n") }, moved);
  assert.deepEqual([files, refused.map(({ reason }) => reason)], [{}, ["does-not-fit"]]);
});

const rejects: readonly (readonly [title: string, files: Record<string, Patchable>, patch: string, reason: string])[] =
  [
    ["lines that differ", { "f.txt": file("one\nzwei\nthree\n") }, change, "does-not-fit"],
    ["a missing file", {}, change, "missing"],
    [
      "a new file that exists",
      { n: file("x") },
      "diff --git a/n b/n\nnew file mode 100644\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+1\n",
      "exists",
    ],
    [
      "a deleted file with other lines",
      { n: file("2\n") },
      "diff --git a/n b/n\ndeleted file mode 100644\n--- a/n\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n",
      "does-not-fit",
    ],
    [
      "a binary file",
      { n: file("2\n") },
      "diff --git a/n b/n\nindex 1..2 100644\nBinary files a/n and b/n differ\n",
      "binary",
    ],
  ];
for (const [title, files, patch, reason] of rejects) {
  test(`${title}: the file is a reject, and nothing of it is patched`, async () => {
    const result = await apply(files, patch);
    assert.deepEqual(
      result.rejects.map((reject) => reject.reason),
      [reason],
    );
    assert.deepEqual(result.files, {});
  });
}

const invalid: readonly (readonly [title: string, patch: string])[] = [
  ["empty text", ""],
  ["text that is not a patch", "hello\n"],
  ["a name with ..", change.replaceAll("f.txt", "../f.txt")],
  ["an absolute name", change.replaceAll(/[ab]\/f.txt/g, "/etc/passwd")],
  ["a hunk that is cut", change.slice(0, -8)],
];
for (const [title, patch] of invalid) {
  test(`${title}: INVALID_ARGUMENT`, async () => {
    await assert.rejects(apply({ "f.txt": file("one\ntwo\nthree\n") }, patch), { code: "INVALID_ARGUMENT" });
  });
}

test("a patch keeps bytes that are not UTF-8", async () => {
  const [old, fresh] = [Buffer.from([0xe4, 0x0a, 0x41, 0x0a]), Buffer.from([0xe4, 0x0a, 0x42, 0x0a])];
  const patch = Buffer.concat([
    Buffer.from("--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n "),
    Buffer.from([0xe4]),
    Buffer.from("\n-A\n+B\n"),
  ]);
  const { files } = await apply({ f: { type: "file", mode: 0o644, bytes: old } }, patch);
  assert.deepEqual(files, { f: { type: "file", mode: 0o644, bytes: fresh } });
});

test("any difference that renderDiff prints can be applied and undone", async () => {
  const lines = fc
    .array(fc.constantFrom("a", "b", "ä", ""), { maxLength: 20 })
    .map((all) => all.map((line) => `${line}\n`).join(""));
  const content = fc.oneof(
    fc.tuple(lines, fc.constantFrom(0o644, 0o755)).map(([text, mode]) => file(text, mode)),
    fc.constant<Patchable>({ type: "link", target: "ü/x" }),
    fc.constant(null),
  );
  const path = fc.constantFrom("f", 'd/ä "quoted".txt', "name with blanks");
  await fc.assert(
    fc.asyncProperty(content, content, path, async (before, after, name) => {
      fc.pre(JSON.stringify(before) !== JSON.stringify(after));
      fc.pre(before === null || after === null || before.type === after.type);
      const patch = renderDiff(side(name, before), side(name, after)).text;
      const applied = await apply(before === null ? {} : { [name]: before }, patch);
      assert.deepEqual(applied, { files: { [name]: after }, rejects: [] });
      const back = await apply(after === null ? {} : { [name]: after }, patch, true);
      assert.deepEqual(back, { files: { [name]: before }, rejects: [] });
    }),
    { numRuns: 300 },
  );
});
