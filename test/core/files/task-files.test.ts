import assert from "node:assert/strict";
import {
  chmodSync,
  createWriteStream,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { test, type TestContext } from "node:test";

import { factsOfArchive } from "../../archive/trees.js";
import { temporaryDirectory } from "../../store/scratch.js";
import { AgentMachines } from "../agent-machines.js";
import { openTasks } from "../open-tasks.js";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

/** A task without a VM, and a directory that it and the test see. */
async function openTask(t: TestContext) {
  const machines = new AgentMachines();
  const { daemon, pyro, cli } = await openTasks(temporaryDirectory(t), machines);
  const task = await pyro.createTask("debian:12");
  const directory = mkdtempSync(join(tmpdir(), "pyro-files-"));
  t.after(async () => {
    await task.delete();
    await daemon[Symbol.asyncDispose]();
    await machines[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });
  return { task, cli, at: (name: string) => join(directory, name) };
}

test("task files: content that the SDK writes in any form is read back", async (t) => {
  const { task, at } = await openTask(t);
  const big = Buffer.alloc(3_000_000, "0123456789");
  const contents = [
    "text ü\n",
    Buffer.from([0, 255, 10]),
    "x".repeat(500_000),
    big,
    (async function* () {
      yield "one ";
      yield "two";
    })(),
  ];
  const bytes = [...contents.slice(0, 4).map((content) => Buffer.from(content as string)), Buffer.from("one two")];
  for (const [index, content] of contents.entries()) {
    const path = at(`new/${index}`);
    assert.deepEqual(await task.writeFile(path, content), {
      taskId: task.taskId,
      path,
      bytesWritten: bytes[index]!.length,
      created: true,
    });
    assert.deepEqual(readFileSync(path), bytes[index]);
    const back = await task.readFile(path, { encoding: "base64", maxBytes: 4_000_000 });
    assert.deepEqual(Buffer.from(back.content, "base64"), bytes[index]);
    assert.equal(back.nextOffset, null);
  }
  assert.equal((await task.readFile(at("new/0"))).content, "text ü\n");
});

test("task files: mode, append and base64", async (t) => {
  const { task, at } = await openTask(t);
  await task.writeFile(at("f"), "b25l", { encoding: "base64", mode: "755" });
  await task.writeFile(at("f"), " two", { append: true });
  const { content, mode, sizeBytes, modifiedAt } = await task.readFile(at("f"));
  assert.deepEqual([content, mode, sizeBytes], ["one two", "0755", 7]);
  assert.ok(Math.abs(Date.parse(modifiedAt) - Date.now()) < 60_000);
  await assert.rejects(task.writeFile(at("f"), "?", { encoding: "base64" }), { code: "INVALID_ARGUMENT" });
});

test("task file read: ranges, and incomplete characters at their ends", async (t) => {
  const { task, at } = await openTask(t);
  writeFileSync(at("f"), "aé😀z");
  const pages: string[] = [];
  for (let offset: number | null = 0; offset !== null;) {
    const page: { content: string; nextOffset: number | null } = await task.readFile(at("f"), { offset, maxBytes: 4 });
    pages.push(page.content);
    offset = page.nextOffset;
  }
  assert.deepEqual(pages, ["aé", "😀", "z"]);
  assert.equal((await task.readFile(at("f"), { offset: 8 })).content, "");
  await assert.rejects(task.readFile(at("f"), { offset: 9 }), { code: "INVALID_ARGUMENT" });
  await assert.rejects(task.readFile(at("f"), { offset: 2 }), { code: "FILE_NOT_TEXT" });
});

test("task file view: numbered lines, pages and images", async (t) => {
  const { task, at } = await openTask(t);
  writeFileSync(at("f"), Array.from({ length: 10 }, (_, index) => `line ${index + 1}\n`).join(""));
  const { text, nextLine } = await task.viewFile(at("f"), { offset: 4, limit: 2 });
  assert.deepEqual([text, nextLine], ["4\tline 4\n5\tline 5", 6]);
  assert.equal((await task.viewFile(at("f"), { offset: 9 })).nextLine, null);
  await assert.rejects(task.viewFile(at("f"), { offset: 11 }), { code: "INVALID_ARGUMENT" });
  writeFileSync(at("image"), PNG);
  const { image, text: none } = await task.viewFile(at("image"));
  assert.deepEqual([image, none], [{ mimeType: "image/png", data: PNG.toString("base64") }, ""]);
  writeFileSync(at("binary"), Buffer.from([1, 2, 0, 255]));
  await assert.rejects(task.viewFile(at("binary")), { code: "FILE_NOT_TEXT" });
  writeFileSync(at("empty"), "");
  assert.equal((await task.viewFile(at("empty"))).text, "");
});

test("task file edit: changes the file and returns the lines around the edit, or says how often the text was found", async (t) => {
  const { task, at } = await openTask(t);
  writeFileSync(at("f"), "1\n2\n3\n4\nold\n6\n7\n8\n9\n");
  const edited = await task.editFile(at("f"), { old: "old", new: "new\nlines" });
  assert.deepEqual([edited.replaced, edited.text], [1, "2\t2\n3\t3\n4\t4\n5\tnew\n6\tlines\n7\t6\n8\t7\n9\t8"]);
  assert.equal(readFileSync(at("f"), "utf8"), "1\n2\n3\n4\nnew\nlines\n6\n7\n8\n9\n");
  const mismatch = (found: number) => ({ code: "FILE_EDIT_MISMATCH", details: { path: at("f"), found } });
  await assert.rejects(task.editFile(at("f"), { old: "old", new: "" }), mismatch(0));
  await assert.rejects(task.editFile(at("f"), { old: "\n", new: "" }), mismatch(10));
  assert.equal((await task.editFile(at("f"), { old: "\n", new: " ", all: true })).replaced, 10);
});

test("task file list: sorted pages, links shown and not followed", async (t) => {
  const { task, at } = await openTask(t);
  for (const name of ["b", "a.txt", "d/e/f"]) await task.writeFile(at(name), name);
  symlinkSync("d", at("link"));
  const { entries } = await task.listFiles(at(""));
  assert.deepEqual(
    entries.map(({ path, type }) => `${path} ${type}`),
    ["a.txt file", "b file", "d directory", "link symlink"],
  );
  assert.equal(entries.at(-1)?.target, "d");
  const pages: string[] = [];
  for (let after: string | undefined; ;) {
    const page: Awaited<ReturnType<typeof task.listFiles>> = await task.listFiles(at(""), {
      recursive: true,
      limit: 2,
      after,
    });
    pages.push(page.entries.map(({ path }) => path).join(" "));
    if (page.nextAfter === null) break;
    after = page.nextAfter;
  }
  assert.deepEqual(pages, ["a.txt b", "d d/e", "d/e/f link"]);
  assert.deepEqual(
    (await task.listFiles(at("b"))).entries.map(({ path }) => path),
    ["b"],
  );
  assert.equal((await task.statFile(at("link"))).target, "d");
});

test("task files: directories, moves and removals", async (t) => {
  const { task, at } = await openTask(t);
  assert.deepEqual(
    [(await task.makeDirectory(at("a/b"))).created, (await task.makeDirectory(at("a/b"))).created],
    [true, false],
  );
  await task.writeFile(at("f"), "f");
  await task.moveFile(at("f"), at("a/b/f"));
  await assert.rejects(task.removeFile(at("a")), { code: "FILE_NOT_EMPTY" });
  assert.equal((await task.removeFile(at("a"), { recursive: true })).removedCount, 3);
});

test("task files: each kind of wrong path has its code", async (t) => {
  const { task, at } = await openTask(t);
  mkdirSync(at("d"));
  writeFileSync(at("f"), "");
  symlinkSync("loop", at("loop"));
  await assert.rejects(task.readFile(at("gone")), { code: "FILE_NOT_FOUND" });
  await assert.rejects(task.readFile(at("d")), { code: "FILE_WRONG_TYPE" });
  await assert.rejects(task.writeFile(at("d"), ""), { code: "FILE_WRONG_TYPE" });
  await assert.rejects(task.readFile("/dev/zero"), { code: "FILE_WRONG_TYPE" });
  await assert.rejects(task.readFile(at("loop")), { code: "FILE_PATH_INVALID" });
  await assert.rejects(task.readFile(at("x".repeat(256))), { code: "FILE_PATH_INVALID" });
  await assert.rejects(task.readFile(at("a\0b")), { code: "FILE_PATH_INVALID" });
  await assert.rejects(task.makeDirectory(at("f")), { code: "FILE_EXISTS" });
  await assert.rejects(task.moveFile(at("d"), at("f")), { code: "FILE_EXISTS" });
  await assert.rejects(task.removeFile("/", { recursive: true }), { code: "FILE_REFUSED" });
  writeFileSync(at("large"), Buffer.alloc(8_388_609, "x"));
  await assert.rejects(task.editFile(at("large"), { old: "y", new: "" }), { code: "FILE_TOO_LARGE" });
});

test("pyro task file: bytes to and from standard streams and files", async (t) => {
  const { task, cli, at } = await openTask(t);
  const bytes = Buffer.from([0, 1, 255, 10]);
  writeFileSync(at("host"), bytes);
  const written = await cli("task", "file", "write", task.taskId, at("f"), "--from", at("host"), "--mode", "0600");
  assert.deepEqual([written.status, written.stdout], [0, `Created ${at("f")} (4 B).\n`]);
  assert.equal((await cli("task", "file", "read", task.taskId, at("f"), "--output", at("copy"))).status, 0);
  assert.deepEqual(readFileSync(at("copy")), bytes);
  await task.writeFile(at("text"), "one\ntwo\n");
  assert.equal((await cli("task", "file", "read", task.taskId, at("text"))).stdout, "one\ntwo\n");
  const part = await cli(
    "task",
    "file",
    "read",
    task.taskId,
    at("text"),
    "--offset",
    "4",
    "--max-bytes",
    "3",
    "--json",
  );
  assert.equal((JSON.parse(part.stdout) as { content: string }).content, "two");
  const listed = await cli("task", "file", "list", task.taskId, at(""));
  assert.match(listed.stdout, /^file {6}0600 {8}4 B {2}\S+ \S+ {2}f$/m);
  const missing = await cli("task", "file", "read", task.taskId, at("gone"), "--output", at("copy"));
  assert.equal(missing.status, 125);
  assert.deepEqual(readFileSync(at("copy")), bytes);
});

test("task files: an operation with a user has that user's rights, and its files belong to the user", async (t) => {
  const { task, cli, at } = await openTask(t);
  const user = "12345:7";
  // An agent that is not root cannot become another user.
  if (process.getuid?.() !== 0)
    return assert.rejects(task.writeFile(at("d/f"), "one", { user }), { name: "PyroError" });
  chmodSync(at(""), 0o777);
  await task.writeFile(at("d/f"), "one", { user });
  await task.editFile(at("d/f"), { old: "one", new: "two", user });
  await task.makeDirectory(at("d/e"), { user });
  const ownerOf = (name: string) => [lstatSync(at(name)).uid, lstatSync(at(name)).gid];
  for (const name of ["d", "d/f", "d/e"]) assert.deepEqual(ownerOf(name), [12345, 7], name);
  const written = await cli("task", "file", "write", task.taskId, at("d/g"), "--user", user, "--from", at("d/f"));
  assert.equal(written.status, 0, written.stderr);
  assert.deepEqual(ownerOf("d/g"), [12345, 7]);
  writeFileSync(at("secret"), "secret", { mode: 0o600 });
  mkdirSync(at("closed"), { mode: 0o700 });
  const refused = { code: "FILE_REFUSED" };
  await assert.rejects(task.readFile(at("secret"), { user }), refused);
  await assert.rejects(task.viewFile(at("secret"), { user }), refused);
  await assert.rejects(task.writeFile(at("closed/f"), "", { user }), refused);
  await assert.rejects(task.listFiles(at("closed"), { user }), refused);
  await assert.rejects(task.statFile(at("closed/f"), { user }), refused);
  await assert.rejects(task.moveFile(at("secret"), at("closed/f"), { user }), refused);
  await assert.rejects(task.removeFile(at("closed/f"), { user }), refused);
  assert.equal((await task.readFile(at("secret"))).content, "secret");
  await assert.rejects(task.readFile(at("secret"), { user: "no-such-user" }), { code: "INVALID_ARGUMENT" });
});

test("task files: bytes as a stream, of any size and content", async (t) => {
  const { task, at } = await openTask(t);
  const big = randomBytes(9_000_000);
  writeFileSync(at("big"), big);
  assert.ok(Buffer.from(await task.streamFile(at("big")).bytes()).equals(big));
  const part = await task.streamFile(at("big"), { offset: 8_999_990, maxBytes: 5 }).bytes();
  assert.deepEqual(Buffer.from(part), big.subarray(8_999_990, 8_999_995));
  await pipeline(task.streamFile(at("big")), createWriteStream(at("copy")));
  assert.ok(readFileSync(at("copy")).equals(big));
  let pieces = 0;
  for await (const piece of task.streamFile(at("big"))) {
    pieces += 1;
    assert.ok(piece.length <= 1_048_576);
    if (pieces === 2) break;
  }
  await assert.rejects(task.streamFile(at("gone")).bytes(), { code: "FILE_NOT_FOUND" });
  await assert.rejects(task.streamFile(at("")).bytes(), { code: "FILE_WRONG_TYPE" });
  await assert.rejects(task.streamFile(at("big"), { offset: 9_000_001 }).bytes(), { code: "INVALID_ARGUMENT" });
  assert.equal((await task.streamFile(at("big"), { offset: 9_000_000 }).bytes()).length, 0);
  const cancelled = task.streamFile(at("big"), { signal: AbortSignal.abort() });
  await assert.rejects(cancelled.bytes(), { code: "ABORTED" });
  const facts = await factsOfArchive(Buffer.from(await task.streamExport(at("big")).bytes()));
  assert.deepEqual(Object.keys(facts), ["big"]);
});
