import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { Channel } from "../../src/guest/channel.js";
import { Exec } from "../../src/guest/exec.js";
import { fetchEntries } from "../../src/guest/fetch.js";
import { readFile } from "../../src/guest/files.js";
import { LETTER_MAX_BYTES } from "../../src/guest/frames.js";
import { followed } from "../../src/guest/messages.js";
import { AgentProcess } from "./agent-process.js";

const mailboxBytes = 4 * LETTER_MAX_BYTES;
const MIB = 1_048_576;

/** Bytes that differ in each place. */
function content(seed: number, sizeBytes: number): Buffer {
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let index = 0; index < words.length; index++) words[index] = Math.imul(index + seed, 2_654_435_761);
  return Buffer.from(words.buffer, 0, sizeBytes);
}

async function* inPieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

interface Taken {
  readonly stdout: Buffer[];
  readonly stderr: Buffer[];
}

async function start(channel: Channel, command: string, stdin: AsyncIterable<Uint8Array> | null = null) {
  const taken: Taken = { stdout: [], stderr: [] };
  const request = { command, cwd: "/", env: {}, stdin };
  const onOutput = async (stream: "stdout" | "stderr", bytes: Buffer) => void taken[stream].push(bytes);
  return { exec: await Exec.start(channel, { ...request, onOutput }), taken };
}

test("large standard input and output pass through the mailbox, small ones do not: the same bytes", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const channel = await agent.connect();
  for (const sizes of [[65_536], [7, 2_000_000, 70_000, 1], [3 * MIB + 5]]) {
    const sent = content(sizes.length, 9 * MIB + 11);
    const { exec, taken } = await start(channel, "tee /dev/stderr", inPieces(sent, sizes));
    await exec.finished;
    await exec.release();
    assert.ok(Buffer.concat(taken.stdout).equals(sent) && Buffer.concat(taken.stderr).equals(sent), String(sizes));
    assert.ok(
      taken.stdout.some(({ length }) => length > 65_536),
      "no piece came through the mailbox",
    );
  }
});

test("several commands at once share the mailbox, and leave all of it free", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const channel = await agent.connect();
  const sent = [1, 2, 3, 4, 5, 6].map((seed) => content(seed, 5 * MIB + seed));
  const commands = sent.map(async (bytes) => {
    const { exec, taken } = await start(channel, "cat", inPieces(bytes, [200_000]));
    await exec.finished;
    await exec.release();
    return Buffer.concat(taken.stdout).equals(bytes);
  });
  assert.deepEqual(
    await Promise.all(commands),
    sent.map(() => true),
  );
  const slots = await Promise.all(Array.from({ length: 5 }, () => channel.mailbox!.put(Buffer.from("x"))));
  assert.equal(slots.filter((slot) => slot !== null).length, 4);
});

test("a command that reads nothing, or stops reading, does not hold up its sender", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const channel = await agent.connect();
  for (const command of ["true", "head -c 100000"]) {
    const { exec } = await start(channel, command, inPieces(content(1, 9 * MIB), [65_536]));
    assert.equal((await exec.finished).exit_code, 0);
    await exec.release();
  }
});

test("a taker that waits holds up its own command only", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const channel = await agent.connect();
  let letGo = () => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const request = { command: "head -c 20000000 /dev/zero", cwd: "/", env: {}, stdin: null };
  const loud = await Exec.start(channel, { ...request, onOutput: () => held });
  const { exec, taken } = await start(channel, "head -c 3000000 /dev/zero");
  await exec.finished;
  assert.equal(Buffer.concat(taken.stdout).length, 3_000_000);
  letGo();
  assert.equal((await loud.finished).stdout_bytes, 20_000_000);
});

test("another session continues input and output at the byte where the one before it stopped", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const sent = content(7, 8 * MIB + 3);
  let channel = await agent.connect();
  const got: Buffer[] = [];
  const length = () => got.reduce((sum, bytes) => sum + bytes.length, 0);
  let cut = (): void => {};
  let isCut = new Promise<void>((resolve) => (cut = resolve));
  const onOutput = async (_: string, bytes: Buffer) => {
    got.push(bytes);
    if (length() > 2 * MIB) cut();
  };
  const request = { command: "cat", cwd: "/", env: {}, stdin: inPieces(sent, [100_000]) };
  const { job } = await Exec.start(channel, { ...request, onOutput });
  await isCut;
  channel.close();
  for (;;) {
    channel = await agent.connect();
    const from = { stdout: length(), stderr: 0 };
    isCut = new Promise<void>((resolve) => (cut = resolve));
    let isFirst = true;
    const sink = {
      onOutput: async (_: string, bytes: Buffer) => (got.push(bytes), isFirst ? (isFirst = false) : cut(), undefined),
    };
    const exec = await Exec.resume(channel, job, from, sink, fromAcked(channel, job, sent));
    const isOver = await Promise.race([exec.finished.then(() => true), isCut.then(() => false)]);
    channel.close();
    if (isOver) break;
  }
  assert.ok(Buffer.concat(got).equals(sent));
});

/** The input that the agent does not have yet. */
async function* fromAcked(channel: Channel, job: number, sent: Buffer): AsyncGenerator<Buffer> {
  const { stdin_acked: acked } = await channel.ask("follow", { job }, followed);
  yield* inPieces(sent.subarray(acked), [300_000]);
}

test("files are read and fetched through the mailbox", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const channel = await agent.connect();
  const bytes = content(9, 6 * MIB + 1);
  mkdirSync(join(agent.workspace, "d"));
  writeFileSync(join(agent.workspace, "d/big"), bytes);
  const pieces: Buffer[] = [];
  for await (const piece of readFile(channel, join(agent.workspace, "d/big")).content()) pieces.push(piece);
  assert.ok(Buffer.concat(pieces).equals(bytes));
  assert.ok(
    pieces.some(({ length }) => length > 65_536),
    "no piece came through the mailbox",
  );
  const fetched: Buffer[] = [];
  await fetchEntries(channel, agent.workspace, ["d/big"], async (_, file) => {
    for await (const piece of file) fetched.push(Buffer.from(piece));
  });
  assert.ok(Buffer.concat(fetched).equals(bytes));
});

test("a reader that stops early leaves the mailbox to the next one", async () => {
  await using agent = new AgentProcess({ mailboxBytes });
  const channel = await agent.connect();
  const path = join(agent.workspace, "big");
  writeFileSync(path, content(3, 8 * MIB));
  for (let round = 0; round < 6; round++) {
    for await (const piece of readFile(channel, path).content()) if (piece.length > 65_536) break;
  }
  let whole = 0;
  for await (const piece of readFile(channel, path).content()) whole += piece.length;
  assert.equal(whole, 8 * MIB);
});
