import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { type Channel } from "../../src/guest/channel.js";
import { AgentRefusal } from "../../src/guest/refusal.js";
import { runForExit } from "../../src/guest/run-for-exit.js";
import { makeDirectory, readFile, removeFile, renameFile, writeFile } from "../../src/guest/files.js";
import { AgentProcess } from "./agent-process.js";

const refusedWith = (errno: string) => (error: unknown) =>
  error instanceof AgentRefusal && error.code === "IO" && error.errno === errno;

async function readAll(channel: Channel, path: string, options = {}): Promise<[Buffer, number]> {
  const download = readFile(channel, path, options);
  const pieces: Buffer[] = [];
  for await (const piece of download.content()) pieces.push(piece);
  return [Buffer.concat(pieces), download.answer.sizeBytes];
}

for (const mailboxBytes of [0, 4 << 20]) {
  test(`files: written content is read back, in ranges and whole (mailbox of ${mailboxBytes} bytes)`, async () => {
    await using agent = new AgentProcess({ mailboxBytes });
    const channel = await agent.connect();
    const path = join(agent.workspace, "new/dir/f");
    const content = randomBytes(5_000_000);
    assert.deepEqual(await writeFile(channel, path, [content]), { bytes: content.length, created: true });
    assert.deepEqual(await readAll(channel, path), [content, content.length]);
    const middle = await readAll(channel, path, { offset: 1_000_000, maxBytes: 70_000 });
    assert.deepEqual(middle, [content.subarray(1_000_000, 1_070_000), content.length]);
    assert.deepEqual(await readAll(channel, path, { offset: content.length + 1 }), [Buffer.alloc(0), content.length]);
    channel.close();
  });
}

test("write: content that fails leaves the old file and nothing else", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const path = join(agent.workspace, "f");
  writeFileSync(path, "old");
  const failing = (async function* () {
    yield randomBytes(5_000_000);
    throw new Error("the source broke");
  })();
  await assert.rejects(writeFile(channel, path, failing), /the source broke/);
  assert.deepEqual([readdirSync(agent.workspace), readFileSync(path, "utf8")], [["f"], "old"]);
  channel.close();
});

test("write: a file that changed since it was read is not replaced", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const path = join(agent.workspace, "f");
  writeFileSync(path, "old");
  const replaces = createHash("sha256").update("old").digest("hex");
  await writeFile(channel, path, [Buffer.from("new")], { replaces, mode: 0o600 });
  await assert.rejects(writeFile(channel, path, [Buffer.from("newer")], { replaces }), refusedWith("ESTALE"));
  assert.deepEqual([readFileSync(path, "utf8"), statSync(path).mode & 0o777], ["new", 0o600]);
  channel.close();
});

test("write: of two simultaneous edits of the same content one is refused", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const path = join(agent.workspace, "f");
  writeFileSync(path, "old");
  const replaces = createHash("sha256").update("old").digest("hex");
  const edits = ["a", "b"].map((text) => writeFile(channel, path, [Buffer.from(text)], { replaces }));
  const outcomes = (await Promise.allSettled(edits)).map(({ status }) => status);
  assert.deepEqual(outcomes.sort(), ["fulfilled", "rejected"]);
  channel.close();
});

test("read: the guest serves other requests after a reader stops early", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const path = join(agent.workspace, "f");
  writeFileSync(path, Buffer.alloc(3_000_000));
  for (let round = 0; round < 20; round += 1) {
    for await (const piece of readFile(channel, path).content()) {
      assert.ok(piece.length > 0);
      break;
    }
  }
  assert.equal(await runForExit(channel, "true"), 0);
  channel.close();
});

test("files: a directory, FIFO, loop or missing file is refused with its errno", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const at = (name: string) => join(agent.workspace, name);
  mkdirSync(at("d"));
  writeFileSync(at("f"), "");
  symlinkSync("loop", at("loop"));
  assert.equal(await runForExit(channel, `mkfifo ${at("fifo")}`), 0);
  const cases = { d: "EISDIR", fifo: "EOPNOTSUPP", loop: "ELOOP", gone: "ENOENT", "f/x": "ENOTDIR" };
  for (const [name, errno] of Object.entries(cases)) {
    await assert.rejects(readAll(channel, at(name)), refusedWith(errno), name);
    if (errno !== "ENOENT") await assert.rejects(writeFile(channel, at(name), []), refusedWith(errno), name);
  }
  channel.close();
});

test("directories are made, and names are changed and removed; each operation has its own errors", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const at = (name: string) => join(agent.workspace, name);
  assert.equal(await makeDirectory(channel, at("a/b"), 0o700), true);
  assert.equal(await makeDirectory(channel, at("a/b")), false);
  writeFileSync(at("f"), "f");
  writeFileSync(at("g"), "g");
  await assert.rejects(renameFile(channel, at("f"), at("g"), false), refusedWith("EEXIST"));
  await renameFile(channel, at("f"), at("g"), true);
  await renameFile(channel, at("g"), at("a/b/\udcff"), false);
  assert.deepEqual(readdirSync(at("a/b"), "buffer"), [Buffer.of(0xff)]);
  await assert.rejects(removeFile(channel, at("a"), false), refusedWith("ENOTEMPTY"));
  assert.equal(await removeFile(channel, at("a"), true), 3);
  assert.deepEqual(readdirSync(agent.workspace), []);
  channel.close();
});
