import assert from "node:assert/strict";
import { Duplex } from "node:stream";

import { Channel } from "../../../src/guest/channel.js";
import { fetchEntries } from "../../../src/guest/fetch.js";
import { readFile } from "../../../src/guest/files.js";
import { buildData, buildFrame, buildSync } from "../../../src/guest/frames.js";
import { list } from "../../../src/guest/listing.js";
import { frameType } from "../../../src/guest/messages.js";
import { AgentRefusal } from "../../../src/guest/refusal.js";
import { stat } from "../../../src/guest/stat.js";
import type { Socket } from "../../../src/host/socket.js";
import { describeRefusal, withoutValues, type FuzzTarget } from "../target.js";

const NONCE_BYTES = 16;
const SYNC_BYTES = buildSync(Buffer.alloc(NONCE_BYTES)).length;
const BACK = Buffer.from(
  buildSync(Buffer.alloc(NONCE_BYTES))
    .subarray(-2 * NONCE_BYTES, -NONCE_BYTES)
    .toString("latin1")
    .replace("SYNC", "BACK"),
  "latin1",
);
const HELLO = { protocol: 1, agent: "1", mode: "process", kernel: "6", woken: true, jobs: [], zeros: true };

/** Reads what the host sends, and answers a request with the frames of an input. */
class Liar extends Duplex {
  readonly #input: Buffer;
  #received: Buffer = Buffer.alloc(0);
  #nonce: Buffer | null = null;
  #hasTold = false;

  constructor(input: Buffer) {
    super({ allowHalfOpen: false });
    this.#input = input;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    done();
    if (this.#nonce === null) {
      // The record is long, and comes in one chunk.
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      if (this.#received.length < SYNC_BYTES) return;
      this.#nonce = this.#received.subarray(SYNC_BYTES - NONCE_BYTES, SYNC_BYTES);
      this.push(
        Buffer.concat([BACK, this.#nonce, this.#frame(frameType.hello, 0, Buffer.from(JSON.stringify(HELLO)))]),
      );
    } else if (!this.#hasTold) {
      this.#hasTold = true;
      for (const bytes of this.#frames()) this.push(bytes);
      this.push(null);
    }
  }

  #frame(type: number, stream: number, payload: Buffer): Buffer {
    return buildFrame({ type, stream, payload }, this.#nonce!.subarray(0, 4));
  }

  /** Of an input: the type, the stream and the length of each frame, and its payload. The first byte is the operation. */
  *#frames(): Generator<Buffer, void> {
    for (let at = 1; at + 4 <= this.#input.length;) {
      const length = this.#input.readUInt16BE(at + 2);
      const payload = this.#input.subarray(at + 4, at + 4 + length);
      yield this.#frame(this.#input[at]! % 12, this.#input[at + 1]!, payload);
      at += 4 + payload.length;
    }
  }
}

const acts: readonly ((channel: Channel) => Promise<string>)[] = [
  async (channel) => {
    let count = 0;
    for await (const { path } of list(channel, "/workspace")) {
      assert.ok(path === "." || path.split("/").every((part) => !["", ".", ".."].includes(part)), path);
      count += 1;
    }
    return `listed ${count > 0}`;
  },
  async (channel) => `stat ${(await stat(channel, "/x")).type}`,
  async (channel) => {
    const types: string[] = [];
    await fetchEntries(channel, "/workspace", ["a", "b"], async ({ type }, content) => {
      for await (const _ of content);
      types.push(type);
    });
    return types.join();
  },
  async (channel) => {
    const download = readFile(channel, "/x", { offset: 0, maxBytes: 1_000 });
    let size = 0;
    for await (const piece of download.content()) size += piece.length;
    return `read ${size > 0} ${download.answer.sizeBytes > 0}`;
  },
];

const part = (type: keyof typeof frameType, stream: number, payload: Buffer | object): Buffer => {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
  const head = Buffer.from([frameType[type], stream, 0, 0]);
  head.writeUInt16BE(bytes.length, 2);
  return Buffer.concat([head, bytes]);
};
const record = (header: object, content = ""): Buffer => {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, Buffer.from(content)]);
};
const seedOf = (act: number, answer: object, ...records: readonly Buffer[]): Buffer => {
  const bytes = Buffer.concat(records);
  return Buffer.concat([
    Buffer.from([act]),
    ...(bytes.length > 0 ? [part("data", 1, buildData({ channel: 3, offset: 0, bytes }))] : []),
    part("eof", 1, buildData({ channel: 3, offset: bytes.length, bytes: Buffer.alloc(0) })),
    part("response", 1, { ok: true, ...answer }),
  ]);
};
const LISTED = { path: "a", type: "file", mode: 0o644, size: 3, uid: 0, gid: 0, mtime_s: 1, mtime_ns: 2 };
const STATED = { type: "file", mode: 0o644, size: 3, mtime_s: 1, mtime_ns: 2, free_bytes: 9, free_inodes: 9 };
const FETCHED = { path: "a", type: "file", mode: 0o644, mtime_s: 1, mtime_ns: 2, size: 3 };

/** A session with an agent that lies: a call returns what is allowed, or fails with a coded error. */
export const guestChannel: FuzzTarget = {
  name: "guest-channel",
  seeds: [
    seedOf(0, { entries: 1, more: false }, record(LISTED)),
    seedOf(
      0,
      { entries: 2, more: false },
      record({ ...LISTED, type: "directory" }),
      record({ ...LISTED, path: "a/b" }),
    ),
    seedOf(1, { ...STATED }),
    seedOf(1, { ...STATED, type: "symlink", target_base64: "gA==" }),
    seedOf(
      2,
      { entries: 2, bytes: 3 },
      record(FETCHED, "abc"),
      record({ ...FETCHED, path: "b", type: "absent", size: 0 }),
    ),
    seedOf(3, { bytes: 3, size: 3, mode: 0o644, mtime_s: 1, mtime_ns: 2 }, Buffer.from("abc")),
    Buffer.concat([Buffer.from([0]), part("response", 1, { ok: false, error: { code: "IO", message: "no" } })]),
  ],
  words: ["..", "/", ".", "path_base64", "symlink", "target", "sha256", "data", '"more":true', "\u0000"],
  maxBytes: 2_000,
  run: async (input) => {
    const act = acts[(input[0] ?? 0) % acts.length]!;
    const liar = new Liar(input);
    const channel = await Channel.open(liar as unknown as Socket, { deadlineMs: null });
    try {
      return await act(channel);
    } catch (error) {
      if (error instanceof AgentRefusal) return `refused ${withoutValues(error.message)}`;
      return describeRefusal(error, ["AGENT_PROTOCOL", "VM_DIED"]);
    } finally {
      channel.close();
    }
  },
};
