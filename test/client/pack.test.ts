import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { fc, inAll } from "../property.js";

import { packSource } from "../../src/client/pack/pack.js";
import { PyroError } from "../../src/contract/errors.js";
import { anyPlan, plantAny } from "../archive/any-tree.js";
import { tar } from "../archive/raw-tar.js";
import { factsOfArchive, factsOfDirectory, ScratchDirectory } from "../archive/trees.js";
import { joined } from "./joined.js";

const PACK_PROCESS = fileURLToPath(new URL("./pack-process.js", import.meta.url));

const fails = (code: string, entries?: readonly string[]) => (error: unknown) => {
  assert.ok(error instanceof PyroError, String(error));
  assert.equal(error.code, code, error.message);
  if (entries !== undefined) assert.deepEqual(error.details["entries"], entries);
  return true;
};

/** A tree with one entry of each kind that can be sent. */
function plant(root: string): void {
  mkdirSync(join(root, "sub/empty"), { recursive: true });
  writeFileSync(join(root, "sub/run.sh"), "#!/bin/sh\n", { mode: 0o755 });
  writeFileSync(join(root, "größe 🙂\n"), "x".repeat(300_000));
  linkSync(join(root, "sub/run.sh"), join(root, "again"));
  symlinkSync("sub/run.sh", join(root, "link"));
  symlinkSync("sub", join(root, "to-directory"));
  writeFileSync(join(root, "holes"), "start");
  truncateSync(join(root, "holes"), 2_000_000);
  utimesSync(join(root, "sub/run.sh"), 1, 1_234_567_890.25);
  lutimesSync(join(root, "link"), 1, -5);
  chmodSync(join(root, "sub/empty"), 0o700);
}

test("a directory is packed unchanged, and its counts are known before it is sent", async () => {
  using scratch = new ScratchDirectory();
  plant(scratch.path);
  const packed = await packSource(scratch.path);
  const bytes = await joined(packed.stream);
  assert.deepEqual([packed.kind, packed.entryCount], ["directory", 8]);
  assert.equal(packed.contentBytes, 2_300_010);
  assert.deepEqual(await factsOfArchive(bytes), factsOfDirectory(scratch.path));
});

test("GNU tar extracts a packed tree", async () => {
  using scratch = new ScratchDirectory();
  using extracted = new ScratchDirectory();
  plant(scratch.path);
  const bytes = await joined((await packSource(scratch.path)).stream);
  execFileSync("tar", ["-xpf", "-", "-C", extracted.path], { input: bytes });
  assert.deepEqual(factsOfDirectory(extracted.path), factsOfDirectory(scratch.path));
});

test("patterns exclude whole directories, and excluded entries are counted", async () => {
  using scratch = new ScratchDirectory();
  plant(scratch.path);
  mkdirSync(join(scratch.path, "node_modules"));
  execFileSync("mkfifo", [join(scratch.path, "node_modules/fifo")]);
  const packed = await packSource(scratch.path, { exclude: ["node_modules", "sub/*", "holes"], include: ["run.sh"] });
  const facts = await factsOfArchive(await joined(packed.stream));
  assert.deepEqual(Object.keys(facts).sort(), ["again", "größe 🙂\n", "link", "sub", "sub/run.sh", "to-directory"]);
  assert.equal(packed.excludedCount, 3);
});

test("a source that is a link to a directory is followed; links in the directory are not", async () => {
  using scratch = new ScratchDirectory();
  mkdirSync(join(scratch.path, "real"));
  writeFileSync(join(scratch.path, "real/f"), "f");
  symlinkSync("real", join(scratch.path, "source"));
  const packed = await packSource(join(scratch.path, "source"));
  assert.equal(packed.path, join(scratch.path, "real"));
  assert.equal(packed.entryCount, 1);
});

test("archives are sent unchanged", async () => {
  using scratch = new ScratchDirectory();
  for (const [name, bytes] of [
    ["a.tar", tar({ name: "x" })],
    ["b.tgz", gzipSync(tar({ name: "x" }))],
    ["c.tar.gz", gzipSync("")],
  ] as const) {
    writeFileSync(join(scratch.path, name), bytes);
    const packed = await packSource(join(scratch.path, name));
    assert.deepEqual([packed.kind, packed.entryCount], ["archive", null]);
    assert.deepEqual(await joined(packed.stream), bytes);
  }
});

test("a path that is not a source is refused before anything is sent", async () => {
  using scratch = new ScratchDirectory();
  const at = (name: string) => join(scratch.path, name);
  writeFileSync(at("notes.txt"), "text");
  writeFileSync(at("text.tar"), "text".repeat(1_000));
  writeFileSync(at("empty.tar"), "");
  execFileSync("mkfifo", [at("fifo.tar")]);
  symlinkSync("nowhere", at("dangling"));
  for (const name of ["none", "dangling", "notes.txt/x", "n".repeat(300)]) {
    await assert.rejects(packSource(at(name)), fails("SOURCE_NOT_FOUND"), name);
  }
  for (const path of [at("text.tar"), at("empty.tar"), at("fifo.tar"), "/dev/null"]) {
    await assert.rejects(packSource(path), fails("SOURCE_UNSUPPORTED"), path);
  }
});

test("sockets, FIFOs and devices are left out and counted", async () => {
  using scratch = new ScratchDirectory();
  const at = (name: string) => join(scratch.path, name);
  execFileSync("mkfifo", [at("a"), at("b")]);
  await using server = createServer().listen(at("socket"));
  await once(server, "listening");
  writeFileSync(at("file"), "");
  const packed = await packSource(scratch.path);
  assert.deepEqual(Object.keys(await factsOfArchive(await joined(packed.stream))), ["file"]);
  const { skipped_special, warnings } = packed.report();
  assert.deepEqual([skipped_special, warnings.length, packed.entryCount], [3, 1, 1]);
});

test("all entries that cannot be sent are named before anything is sent", async () => {
  using scratch = new ScratchDirectory();
  writeFileSync(Buffer.concat([Buffer.from(`${scratch.path}/`), Buffer.from([0x66, 0xff])]), "");
  await assert.rejects(packSource(scratch.path), fails("ARCHIVE_NAME_INVALID"));
  assert.equal((await packSource(scratch.path, { exclude: ["f*"] })).excludedCount, 1);
});

test("all files that cannot be read are named before anything is sent", () => {
  using scratch = new ScratchDirectory();
  const at = (name: string) => join(scratch.path, name);
  chmodSync(scratch.path, 0o755);
  for (const name of ["a", "b", "fine"]) writeFileSync(at(name), name);
  mkdirSync(at("closed"));
  for (const name of ["a", "b", "closed"]) chmodSync(at(name), 0);
  const { stdout, stderr } = spawnSync(process.execPath, [PACK_PROCESS, scratch.path], { encoding: "utf8" });
  assert.notEqual(stdout, "", stderr);
  const { code, details } = JSON.parse(stdout) as { code: string; details: Record<string, unknown> };
  assert.deepEqual([code, details], ["SOURCE_UNREADABLE", { entries: ["a", "b", "closed"], count: 3 }]);
});

test("an archive that changes while it is sent never arrives as a complete one", async () => {
  using scratch = new ScratchDirectory();
  const path = join(scratch.path, "a.tar");
  writeFileSync(path, tar({ name: "x", content: Buffer.alloc(3_000_000) }));
  const packed = await packSource(path);
  const reading = async () => {
    for await (const _ of packed.stream) appendFileSync(path, "x");
  };
  await assert.rejects(reading(), fails("SOURCE_CHANGED"));
});

test("any tree packed and read back is equal", async () => {
  await fc.assert(
    fc.asyncProperty(anyPlan, async (plan) => {
      using scratch = new ScratchDirectory();
      plantAny(scratch.path, plan);
      const packed = await packSource(scratch.path);
      const bytes = await joined(packed.stream);
      assert.deepEqual(await factsOfArchive(bytes), factsOfDirectory(scratch.path));
    }),
    { numRuns: inAll(20) },
  );
});

test("a single file is sent under its name in the given path", async () => {
  using scratch = new ScratchDirectory();
  const at = (name: string) => join(scratch.path, name);
  writeFileSync(at("script.py"), "print()", { mode: 0o750 });
  symlinkSync("script.py", at("tool"));
  for (const name of ["script.py", "tool"]) {
    const packed = await packSource(at(name));
    assert.deepEqual([packed.kind, packed.path, packed.entryCount], ["file", at("script.py"), 1]);
    const facts = await factsOfArchive(await joined(packed.stream));
    assert.deepEqual(Object.keys(facts), [name]);
    assert.deepEqual(facts[name]?.slice(0, 2), ["file", 0o750]);
  }
  assert.equal((await packSource(at("tool"), { exclude: ["tool"] })).excludedCount, 1);
  const gone = await packSource(at("tool"));
  rmSync(at("script.py"));
  await assert.rejects(joined(gone.stream), fails("SOURCE_CHANGED"));
});

test("holes of a file are sent as holes, wherever they are; a file without holes is sent unchanged", async () => {
  using scratch = new ScratchDirectory();
  const mib = 1_048_576;
  const layOut: Record<string, [size: number, data: readonly (readonly [number, string])[]]> = {
    "hole at both ends": [10 * mib, [[5 * mib, "middle"]]],
    "hole before odd end ü": [3 * mib + 7, [[3 * mib, "odd end"]]],
    "only a hole": [4 * mib, []],
    "many pieces": [20 * mib, Array.from({ length: 40 }, (_, index) => [index * 500_000, `piece ${index}`] as const)],
    "larger than is kept in memory": [
      66 * mib,
      [
        [0, "first"],
        [65 * mib + 3, "late"],
      ],
    ],
    "no hole": [200_000, [[0, "x".repeat(200_000)]]],
  };
  for (const [name, [size, data]] of Object.entries(layOut)) {
    const file = openSync(join(scratch.path, name), "w");
    ftruncateSync(file, size);
    for (const [offset, text] of data) writeSync(file, text, offset);
    closeSync(file);
  }
  const packed = await packSource(scratch.path);
  const bytes = await joined(packed.stream);
  assert.ok(bytes.length < mib, `${bytes.length} bytes`);
  assert.deepEqual(await factsOfArchive(bytes), factsOfDirectory(scratch.path));
  using extracted = new ScratchDirectory();
  execFileSync("tar", ["-x", "-p", "-C", extracted.path], { input: bytes });
  assert.deepEqual(factsOfDirectory(extracted.path), factsOfDirectory(scratch.path));
});
