import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";

import { PushedFiles, type PushedFile } from "../../src/store/pushed-files.js";
import { ScratchDirectory } from "../archive/trees.js";

const route = { sourcePath: "/src", destination: "/workspace" };

async function* none(): AsyncGenerator<PushedFile> {}

async function all(files: AsyncIterable<PushedFile>): Promise<PushedFile[]> {
  const found = [];
  for await (const file of files) found.push(file);
  return found;
}

test("a list is read as it was written, followed by the entries of earlier pushes", async () => {
  using scratch = new ScratchDirectory();
  const files = new PushedFiles(scratch.path);
  assert.deepEqual(await all(files.read(route)), []);
  await files.prepare(route, "a1", new Set(["d/", "d/f", "line\nend", "é"]), none());
  assert.deepEqual(await all(files.read(route)), []);
  await files.settle("a1", { s: 5, ns: 7 });
  const first = (await all(files.read(route))).map(({ path, at }) => [path, at.s, at.ns]);
  assert.deepEqual(first, [
    ["d/", 5, 7],
    ["d/f", 5, 7],
    ["line\nend", 5, 7],
    ["é", 5, 7],
  ]);
  await files.prepare(route, "a2", new Set(["new"]), files.read(route));
  await files.settle("a2", { s: 6, ns: 0 });
  const second = (await all(files.read(route))).map(({ path, at }) => [path, at.s]);
  assert.deepEqual(second, [
    ["new", 6],
    ["d/", 5],
    ["d/f", 5],
    ["line\nend", 5],
    ["é", 5],
  ]);
  assert.equal(readdirSync(join(scratch.path, "pushed")).length, 1);
  assert.deepEqual(await all(files.read({ ...route, destination: "/workspace/x" })), []);
});

test("the list of a push that was not committed is dropped, and the earlier list stays", async () => {
  using scratch = new ScratchDirectory();
  const files = new PushedFiles(scratch.path);
  await files.prepare(route, "a1", new Set(["one"]), none());
  await files.settle("a1", { s: 1, ns: 0 });
  await files.prepare(route, "a2", new Set(["two"]), none());
  await files.settle("a2", null);
  await files.prepare(route, "a3", new Set(["three"]), none());
  await files.prepare(route, "a4", new Set(["four"]), none());
  // A daemon that starts asks the agent for the outcome of the open one.
  await files.sweep(["a3"]);
  assert.deepEqual(
    (await all(files.read(route))).map(({ path }) => path),
    ["one"],
  );
  await files.settle("a4", { s: 9, ns: 0 });
  await files.settle("a3", { s: 2, ns: 0 });
  assert.deepEqual(
    (await all(files.read(route))).map(({ path }) => path),
    ["three"],
  );
});

test("a list of format 1 is read, a newer or damaged one is refused", async () => {
  using scratch = new ScratchDirectory();
  const files = new PushedFiles(scratch.path);
  await files.prepare(route, "a1", new Set(["x"]), none());
  await files.settle("a1", { s: 1, ns: 0 });
  const directory = join(scratch.path, "pushed");
  const list = join(directory, readdirSync(directory)[0] ?? "");
  const good = readFileSync(list);
  assert.equal(gunzipSync(good).toString(), '{"format":1,"source_path":"/src","destination":"/workspace"}\n"x"\n');
  for (const bad of [
    good.subarray(0, -5),
    Buffer.from("text"),
    gzipSync('{"format":2}\n"x"\n'),
    gzipSync('{"format":1}\n{"s":'),
  ]) {
    writeFileSync(list, bad);
    await assert.rejects(all(files.read(route)));
  }
});

test("a bounded number of lists is kept, the newest ones", async () => {
  using scratch = new ScratchDirectory();
  mkdirSync(join(scratch.path, "pushed"));
  const files = new PushedFiles(scratch.path);
  for (let number = 1; number <= 70; number++) {
    const one = { ...route, destination: `/workspace/${number}` };
    await files.prepare(one, `b${number}`, new Set(["x"]), none());
    await files.settle(`b${number}`, { s: number, ns: 0 });
  }
  assert.equal(readdirSync(join(scratch.path, "pushed")).length, 64);
  assert.equal((await all(files.read({ ...route, destination: "/workspace/70" }))).length, 1);
  assert.equal((await all(files.read({ ...route, destination: "/workspace/1" }))).length, 0);
});
