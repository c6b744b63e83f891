import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { WorkspaceBase } from "../../src/store/workspace-base.js";

const digestOf = (text: string) => createHash("sha256").update(text).digest("hex");
const fileOf = (text: string, mode = 0o644) => ({
  type: "file" as const,
  mode,
  sizeBytes: Buffer.byteLength(text),
  digest: digestOf(text),
});

class Directory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "pyro-base-"));
  readonly base = new WorkspaceBase(this.path);

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  /** An import of files by path. */
  async prepare(id: string, files: Record<string, string>, beneath = "", origin: string | null = "/src") {
    const recorder = this.base.record(id, beneath, origin);
    for (const [path, text] of Object.entries(files)) await drain(recorder.file(path, 0o644, chunksOf(text)));
    await recorder.prepare();
    return recorder;
  }
}

async function* chunksOf(text: string): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  const size = Math.max(3, Math.ceil(bytes.length / 100));
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function drain(chunks: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

test("a base is empty before the first import", async () => {
  using directory = new Directory();
  assert.deepEqual(await directory.base.read(), { origin: null, manifest: new Map() });
  assert.equal(await directory.base.content.read(digestOf("x")), null);
});

test("an import counts after it is settled, with the directories that it implies", async () => {
  using directory = new Directory();
  await directory.prepare("1", { "d/a": "one\n" }, "sub");
  assert.equal((await directory.base.read()).manifest.size, 0);
  await directory.base.settle("1", true);
  const { origin, manifest } = await directory.base.read();
  assert.equal(origin, "/src");
  assert.deepEqual(
    [...manifest],
    [
      ["sub", { type: "directory", mode: 0o755 }],
      ["sub/d", { type: "directory", mode: 0o755 }],
      ["sub/d/a", fileOf("one\n")],
    ],
  );
  assert.equal(String(await directory.base.content.read(digestOf("one\n"))), "one\n");
});

test("an import that was not committed leaves the base unchanged", async () => {
  using directory = new Directory();
  await directory.prepare("1", { a: "one" });
  await directory.base.settle("1", true);
  await directory.prepare("2", { a: "two" });
  await directory.base.settle("2", false);
  assert.deepEqual((await directory.base.read()).manifest.get("a"), fileOf("one"));
  assert.ok(!readdirSync(join(directory.path, "base")).some((name) => name.endsWith(".new")));
});

test("a later import overlays the base, removes entries and leaves the seed as it was", async () => {
  using directory = new Directory();
  await directory.prepare("1", { a: "one", b: "two" });
  await directory.base.settle("1", true);
  await directory.base.keepAsSeed();
  const recorder = directory.base.record("2", "", null);
  await drain(recorder.file("a", 0o755, chunksOf("three")));
  await recorder.link("c", "a");
  recorder.remove("b");
  await recorder.prepare();
  await directory.base.settle("2", true);
  const { origin, manifest } = await directory.base.read();
  assert.equal(origin, "/src");
  assert.deepEqual(Object.fromEntries(manifest), { a: fileOf("three", 0o755), c: fileOf("three", 0o755) });
  assert.deepEqual([...(await directory.base.read("seed")).manifest.keys()], ["a", "b"]);
});

test("advance records the entries that both sides have in common, and a new origin", async () => {
  using directory = new Directory();
  await directory.prepare("1", { a: "one", b: "two" });
  await directory.base.settle("1", true);
  await directory.base.advance("/other", [
    ["a", null],
    ["l", { type: "link", target: "b" }],
  ]);
  const { origin, manifest } = await directory.base.read();
  assert.equal(origin, "/other");
  assert.deepEqual(Object.fromEntries(manifest), { b: fileOf("two"), l: { type: "link", target: "b" } });
});

test("content that is binary or long is not kept, equal content is kept once", async () => {
  using directory = new Directory();
  const long = "x".repeat(1_048_577);
  await directory.prepare("1", { a: "same", b: "same", binary: "a\0b", long, empty: "" });
  await directory.base.settle("1", true);
  const { content, manifest } = { ...(await directory.base.read()), content: directory.base.content };
  assert.equal(manifest.size, 5);
  assert.deepEqual(manifest.get("long"), fileOf(long));
  assert.equal(await content.read(digestOf("a\0b")), null);
  assert.equal(await content.read(digestOf(long)), null);
  assert.equal(statSync(join(directory.path, "base/content")).size, 4);
});

test("an index whose last line was cut is read, and new lines are appended whole", async () => {
  using directory = new Directory();
  await directory.prepare("1", { a: "one" });
  appendFileSync(join(directory.path, "base/content.index"), '\n["0123');
  const reopened = new WorkspaceBase(directory.path);
  await reopened.content.add([{ digest: digestOf("two"), bytes: Buffer.from("two") }]);
  const again = new WorkspaceBase(directory.path);
  assert.equal(String(await again.content.read(digestOf("one"))), "one");
  assert.equal(String(await again.content.read(digestOf("two"))), "two");
});

test("sweep removes imports that did not end, except open ones", async () => {
  using directory = new Directory();
  await directory.prepare("1", { a: "one" });
  await directory.prepare("2", { a: "two" });
  await directory.base.sweep(["2"]);
  await directory.base.settle("1", true);
  await directory.base.settle("2", true);
  assert.deepEqual((await directory.base.read()).manifest.get("a"), fileOf("two"));
});

test("a damaged base is an error, not an empty base", async () => {
  using directory = new Directory();
  await directory.prepare("1", { a: "one" });
  await directory.base.settle("1", true);
  writeFileSync(join(directory.path, "base/last.gz"), "no gzip");
  await assert.rejects(directory.base.read());
});

test("content that a push and a pull add at the same time is read back unchanged", async () => {
  using directory = new Directory();
  const { content } = directory.base;
  const texts = Array.from({ length: 20 }, (_, n) => `${"text ".repeat(n)}${n}`);
  await Promise.all(texts.map((text) => content.add([{ digest: digestOf(text), bytes: Buffer.from(text) }])));
  for (const text of texts) assert.equal((await content.read(digestOf(text)))?.toString(), text);
});

test("content that neither base nor seed names is dropped once it is most of what is kept", async () => {
  using directory = new Directory();
  const base = new WorkspaceBase(directory.path, 40);
  const push = async (id: string, text: string) => {
    const recorder = base.record(id, "", "/src");
    await drain(recorder.file("a", 0o644, chunksOf(text)));
    await recorder.prepare();
    await base.settle(id, true);
  };
  const isKept = async (text: string) => (await base.content.read(digestOf(text))) !== null;
  await push("1", "seed\n");
  await base.keepAsSeed();
  for (const text of ["second\n", "third\n"]) await push(text.trim(), text);
  assert.ok(await isKept("second\n"));
  await push("4", "fourth one\n");
  assert.deepEqual(await Promise.all(["seed\n", "second\n", "third\n", "fourth one\n"].map(isKept)), [
    true,
    true,
    true,
    true,
  ]);
  await push("5", "5\n");
  assert.deepEqual(await Promise.all(["seed\n", "second\n", "third\n", "fourth one\n", "5\n"].map(isKept)), [
    true,
    false,
    false,
    false,
    true,
  ]);
  const reopened = new WorkspaceBase(directory.path);
  assert.equal(String(await reopened.content.read(digestOf("5\n"))), "5\n");
  await push("6", "another\n");
  assert.ok(await isKept("another\n"));
});

test("bytes that do not match their digest are not returned", async () => {
  using directory = new Directory();
  await directory.prepare("1", { a: "one" });
  writeFileSync(join(directory.path, "base/content"), "two");
  assert.equal(await directory.base.content.read(digestOf("one")), null);
});

test("a file in the place of a directory takes the directory's entries out of the base", async () => {
  using directory = new Directory();
  await directory.prepare("1", { "d/a": "1", "d/e/b": "2", "d-e": "3" });
  await directory.base.settle("1", true);
  await directory.prepare("2", { d: "4" });
  await directory.base.settle("2", true);
  const { manifest } = await directory.base.read();
  assert.deepEqual([...manifest.keys()].toSorted(), ["d", "d-e"]);
});
