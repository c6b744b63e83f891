import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import type { Channel } from "../../src/guest/channel.js";
import { LETTER_MAX_BYTES } from "../../src/guest/frames.js";
import { Mailbox } from "../../src/guest/mailbox.js";
import { Stage } from "../../src/guest/stage.js";
import { AgentProcess } from "./agent-process.js";

const SLOTS = 3;
const mailboxBytes = SLOTS * LETTER_MAX_BYTES;

/** Unique content: it depends on the seed, and differs at each position. */
function content(seed: number, sizeBytes: number): Buffer {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let index = 0; index < words.length; index++) words[index] = Math.imul(index + seed, 2_654_435_761);
  return Buffer.from(words.buffer, 0, sizeBytes);
}

function header(path: string, sizeBytes: number) {
  return { path, type: "file", mode: 0o644, mtimeS: 1, mtimeNs: 0, sizeBytes } as const;
}

async function push(channel: Channel, path: string, files: readonly Buffer[]): Promise<void> {
  await using stage = await Stage.open(channel, { path, id: path.slice(-2).replaceAll(/[^0-9a-f]/g, "0") });
  for (const [index, bytes] of files.entries()) await stage.add(header(String(index), bytes.length), [bytes]);
  await stage.finish();
  await stage.commit();
}

/** All slots are available, and are given back. */
async function assertAllFree(mailbox: Mailbox): Promise<void> {
  const slots = await Promise.all(Array.from({ length: SLOTS + 1 }, () => mailbox.put(Buffer.from("x"))));
  assert.deepEqual([...slots].sort(), [0, LETTER_MAX_BYTES, 2 * LETTER_MAX_BYTES, null].sort());
  for (const slot of slots) if (slot !== null) mailbox.release(slot);
}

test("files of every size arrive through the mailbox, several pushes at once", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const channel = await agent.connect();
  assert.ok(channel.mailbox);
  const sizes = [0, 1, 7_000_001, 4_096, 262_144, 300_000, 1_048_576, 5];
  const pushes = Array.from({ length: 5 }, (_, index) => sizes.map((size) => content(index * 1_000_003, size)));
  const paths = pushes.map((_, index) => join(agent.workspace, `d${index}`));
  await Promise.all(pushes.map((files, index) => push(channel, paths[index] ?? "", files)));
  for (const [index, files] of pushes.entries()) {
    for (const [name, bytes] of files.entries()) {
      assert.ok(readFileSync(join(paths[index] ?? "", String(name))).equals(bytes), `${index}/${name}`);
    }
  }
  await assertAllFree(channel.mailbox);
});

test("mailbox: refused and cancelled content frees its slots", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const channel = await agent.connect();
  assert.ok(channel.mailbox);
  writeFileSync(join(agent.workspace, "taken"), "");
  for (let round = 0; round < 4; round++) {
    const refused = await Stage.open(channel, { path: agent.workspace, id: `a${round}` });
    const big = content(round, 9_000_000);
    await assert.rejects(async () => {
      await refused.add(header("../out", big.length), [big]);
      await refused.finish();
    });
    await refused.cancel();
    const cancelled = await Stage.open(channel, { path: agent.workspace, id: `b${round}` });
    const adding = cancelled.add(header("big", big.length), [big]);
    await Promise.all([cancelled.cancel(), assert.rejects(adding)]);
  }
  await assertAllFree(channel.mailbox);
});

test("mailbox: when it cannot be written, frames carry all content", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const elsewhere = mkdtempSync(join(tmpdir(), "pyro-mailbox-"));
  const other = join(elsewhere, "other");
  writeFileSync(other, "untouched");
  renameSync(agent.mailboxPath ?? "", join(elsewhere, "moved"));
  symlinkSync(other, agent.mailboxPath ?? "");
  const channel = await agent.connect();
  const files = [content(1, 3_000_000), content(2, 5)];
  await push(channel, join(agent.workspace, "d1"), files);
  assert.ok(readFileSync(join(agent.workspace, "d1/0")).equals(files[0] ?? Buffer.alloc(0)));
  assert.equal(readFileSync(other, "utf8"), "untouched");
  rmSync(elsewhere, { recursive: true });
});

test("mailbox: all of it is free when a session starts", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const first = await agent.connect();
  const big = content(3, 9_000_000);
  const stage = await Stage.open(first, { path: agent.workspace, id: "c1" });
  const adding = stage.add(header("big", big.length), [big]);
  first.close();
  await assert.rejects(adding);
  const second = await agent.connect();
  assert.ok(second.mailbox);
  await assertAllFree(second.mailbox);
  await push(second, join(agent.workspace, "d2"), [big]);
  assert.ok(readFileSync(join(agent.workspace, "d2/0")).equals(big));
});
