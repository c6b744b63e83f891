import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { packSource } from "../../src/client/pack/pack.js";
import { openLiveFile } from "../../src/host/live-file.js";
import { inPieces, readAll, ScratchDirectory } from "../archive/trees.js";
import { joined } from "./joined.js";

const WRITER_PROCESS = fileURLToPath(new URL("./writer-process.js", import.meta.url));

test("a tree in which a build and an editor work is sent, each file as it was at one instant", async () => {
  using scratch = new ScratchDirectory();
  mkdirSync(join(scratch.path, "stable"));
  for (let file = 0; file < 500; file++) writeFileSync(join(scratch.path, `stable/${file}`), `${file}`);
  const writer = spawn(process.execPath, [WRITER_PROCESS, scratch.path], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(writer.stdout, "data");
    for (let push = 0; push < 4; push++) {
      const packed = await packSource(scratch.path);
      const entries = await readAll(inPieces(await joined(packed.stream)));
      const content = new Map(entries.map(({ path, bytes }) => [path, bytes.toString()]));
      for (let file = 0; file < 500; file++) assert.equal(content.get(`stable/${file}`), `${file}`);
      for (const [path, text] of content) assertOneInstant(path, text);
      assert.ok(packed.report().changed_entries >= packed.entryCount! - entries.length);
    }
  } finally {
    writer.kill("SIGKILL");
    await once(writer, "close");
  }
});

function assertOneInstant(path: string, text: string): void {
  if (path === "log") {
    for (const [line, number] of text.split("\n").slice(0, -1).entries()) assert.equal(Number(number), line);
    assert.match(text, /\n$/);
  } else if (path === "renamed") {
    assert.match(text, /^(.)\1{3999}$/);
  } else if (path === "rewritten" || path.endsWith(".o") || path === "new.tmp") {
    assert.match(text, /^((.)\2{3999})?$/, path);
  }
}

/** A tree that begins with a large file; while the file is sent, the test changes something. */
async function packWhile(change: (at: (name: string) => string) => void) {
  using scratch = new ScratchDirectory();
  const at = (name: string) => join(scratch.path, name);
  mkdirSync(at("d"));
  writeFileSync(at("a"), "a");
  writeFileSync(at("big"), Buffer.alloc(1_000_000));
  writeFileSync(at("d/f"), "f");
  writeFileSync(at("z"), "z");
  const packed = await packSource(scratch.path);
  const chunks: Buffer[] = [];
  for await (const chunk of packed.stream) {
    if (chunks.length === 0) change(at);
    chunks.push(chunk);
  }
  const entries = await readAll(inPieces(Buffer.concat(chunks)));
  const { changed_entries, warnings } = packed.report();
  assert.equal(warnings.length, changed_entries === 0 ? 0 : 1);
  return {
    sent: Object.fromEntries(entries.map(({ path, bytes }) => [path, bytes.toString().slice(0, 9)])),
    changed_entries,
  };
}

test("an entry is sent in its state at that moment; one that has disappeared is counted", async () => {
  const zeros = "\0".repeat(9);
  const all = { a: "a", big: zeros, d: "", "d/f": "f", z: "z" };
  const { z: _, ...withoutZ } = all;
  const cases: Record<string, [(at: (name: string) => string) => void, Record<string, string>, number]> = {
    "a file grows": [(at) => appendFileSync(at("z"), "more"), { ...all, z: "zmore" }, 0],
    "a file shrinks": [(at) => truncateSync(at("z"), 0), { ...all, z: "" }, 0],
    "a file that was sent is written again": [(at) => writeFileSync(at("a"), "A"), all, 0],
    "a file comes": [(at) => writeFileSync(at("new"), ""), all, 0],
    "a file goes": [(at) => rmSync(at("z")), withoutZ, 1],
    "a file is replaced": [(at) => renameSync(at("a"), at("z")), { ...all, z: "a" }, 0],
    "a file becomes a link": [(at) => (rmSync(at("z")), symlinkSync("a", at("z"))), all && { ...all, z: "" }, 0],
    "a file becomes a directory": [(at) => (rmSync(at("z")), mkdirSync(at("z"))), withoutZ, 1],
    "a mode changes": [(at) => chmodSync(at("d"), 0o711), all, 0],
    "a directory goes": [(at) => rmSync(at("d"), { recursive: true }), { a: "a", big: zeros, z: "z" }, 2],
  };
  for (const [what, [change, sent, changed]] of Object.entries(cases)) {
    assert.deepEqual(await packWhile(change), { sent, changed_entries: changed }, what);
  }
});

test("a directory that becomes a link is not read through it", async () => {
  using outside = new ScratchDirectory();
  writeFileSync(join(outside.path, "f"), "secret");
  const { sent, changed_entries } = await packWhile((at) => {
    renameSync(at("d"), join(outside.path, "d"));
    symlinkSync(outside.path, at("d"));
  });
  assert.deepEqual([sent["d/f"], sent["d"], changed_entries], [undefined, undefined, 2]);
});

test("a hard link whose first name has disappeared is a file", async () => {
  using scratch = new ScratchDirectory();
  writeFileSync(join(scratch.path, "a"), "content");
  linkSync(join(scratch.path, "a"), join(scratch.path, "b"));
  const packed = await packSource(scratch.path);
  rmSync(join(scratch.path, "a"));
  const entries = await readAll(inPieces(await joined(packed.stream)));
  assert.deepEqual(
    entries.map(({ path, type, bytes }) => [path, type, `${bytes}`]),
    [["b", "file", "content"]],
  );
});

test("a file over 64 MiB that changes while it is sent keeps the announced size, and is named in a warning", async () => {
  for (const [size, later] of [
    [70_000_000, 80_000_000],
    [70_000_000, 5],
  ] as const) {
    using scratch = new ScratchDirectory();
    writeFileSync(join(scratch.path, "large"), Buffer.alloc(size, "x"));
    const packed = await packSource(scratch.path);
    let bytes = 0;
    for await (const chunk of packed.stream) {
      if (bytes === 0) truncateSync(join(scratch.path, "large"), later);
      bytes += chunk.length;
    }
    assert.ok(bytes > size && bytes < size + 4_096, `${bytes}`);
    const { changed_entries, warnings } = packed.report();
    assert.equal(changed_entries, 1);
    assert.match(warnings.join(), /large/);
  }
});

test("a file that changed between two reads is read again, and no warning is printed", async () => {
  let changes = 0;
  // It changes every 10 ms: now and then between two reads, and hardly ever five times in a row.
  for (let count = 0; count < 1_000; count += 1) {
    const file = await openLiveFile("/proc/uptime", () => (changes += 1));
    for await (const _ of file.content);
  }
  assert.equal(changes, 0);
});

test("a file that reports a wrong size, as in /proc and /sys, is sent with the content that is read", async () => {
  const packed = await packSource("/sys/kernel/cgroup");
  const entries = await readAll(inPieces(await joined(packed.stream)));
  assert.ok(entries.some(({ type, sizeBytes }) => type === "file" && sizeBytes > 0 && sizeBytes < 4_096));
});

test("a file that differs at every read: the last read is sent, and a warning names the file", async () => {
  const packed = await packSource("/proc/sys/kernel/random", { exclude: ["*"], include: ["uuid", "boot_id"] });
  const entries = await readAll(inPieces(await joined(packed.stream)));
  assert.deepEqual(
    entries.map(({ path, sizeBytes }) => [path, sizeBytes]),
    [
      ["boot_id", 37],
      ["uuid", 37],
    ],
  );
  const { changed_entries, warnings } = packed.report();
  assert.equal(changed_entries, 1);
  assert.match(warnings.join(), /: uuid\.$/);
});

test("a source that is removed while it is sent never arrives as a complete archive", async () => {
  using scratch = new ScratchDirectory();
  const root = join(scratch.path, "root");
  mkdirSync(root);
  writeFileSync(join(root, "f"), "");
  const packed = await packSource(root);
  rmSync(root, { recursive: true });
  await assert.rejects(joined(packed.stream), { code: "SOURCE_CHANGED" });
});
