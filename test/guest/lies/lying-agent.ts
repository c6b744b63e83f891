import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Channel } from "../../../src/guest/channel.js";
import {
  buildData,
  buildFrame,
  buildMail,
  buildSync,
  buildWindow,
  parseWindow,
  type Window,
} from "../../../src/guest/frames.js";
import { frameType } from "../../../src/guest/messages.js";
import { connectUnix } from "../../../src/host/socket.js";

type FrameTypeName = keyof typeof frameType;

const HEADER_BYTES = 12;
const TAG_BYTES = 4;
const NONCE_BYTES = 16;
const SYNC_MAGIC = buildSync(Buffer.alloc(NONCE_BYTES)).subarray(-2 * NONCE_BYTES, -NONCE_BYTES);
const BACK_MAGIC = Buffer.from(SYNC_MAGIC.toString("latin1").replace("SYNC", "BACK"), "latin1");

/** Smaller than the mailbox that `TWO_WAY_HELLO` promises. */
export const MAILBOX_FILE_BYTES = 3 * 1_048_576;

export const HONEST_HELLO = { protocol: 1, agent: "double", mode: "process", kernel: "none", woken: true, jobs: [] };
export const TWO_WAY_HELLO = { ...HONEST_HELLO, mailbox_bytes: 2_097_152, outbox_bytes: 2_097_152 };

/** The messages that the lying agent sends, besides answers to `ping`. */
export interface Script {
  /** In place of the answer to a sync record. */
  readonly greet?: (agent: LyingAgent) => void;
  /** On the first request other than `ping`. */
  readonly tell?: (agent: LyingAgent, stream: number) => void | Promise<void>;
  /** On each start of a job; it is answered already. */
  readonly onStart?: (agent: LyingAgent, job: number) => void;
  readonly onWindow?: (job: number, window: Window) => void;
}

/** Speaks just enough of the guest's side of the protocol for a session, then lies as its script says. */
export class LyingAgent implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "la-"));
  readonly #server: Server;
  readonly #script: Script;
  #peer: Socket | null = null;
  #received: Buffer = Buffer.alloc(0);
  #hasTold = false;
  nonce: Buffer = Buffer.alloc(NONCE_BYTES);

  private constructor(script: Script) {
    this.#script = script;
    this.#server = createServer((peer) => {
      this.#peer = peer;
      this.#hasTold = false;
      peer.on("error", () => {});
      this.#received = Buffer.alloc(0);
      peer.on("data", (chunk) => peer === this.#peer && this.#receive(chunk));
    });
  }

  static async listen(script: Script): Promise<LyingAgent> {
    const agent = new LyingAgent(script);
    agent.#server.listen(agent.socketPath);
    await once(agent.#server, "listening");
    return agent;
  }

  get socketPath(): string {
    return join(this.#directory, "agent.sock");
  }

  /** With a mailbox for a hello that has one. */
  async connect(deadlineMs = 60_000): Promise<Channel> {
    const mailboxPath = join(this.#directory, "mailbox");
    writeFileSync(mailboxPath, Buffer.alloc(MAILBOX_FILE_BYTES));
    return Channel.open(await connectUnix(this.socketPath), { deadlineMs, mailboxPath });
  }

  get tag(): Buffer {
    return this.nonce.subarray(0, TAG_BYTES);
  }

  /** Sends bytes that need not be a frame. False when the sender should wait for the host. */
  raw(...bytes: Buffer[]): boolean {
    return this.#peer!.write(Buffer.concat(bytes));
  }

  /** Sends the bytes again and again up to this total, in step with the host; stops when the host closes. */
  async flood(bytes: Buffer, totalBytes: number): Promise<void> {
    const peer = this.#peer!;
    const piece = Buffer.concat(Array.from({ length: Math.ceil(65_536 / bytes.length) }, () => bytes));
    for (let sent = 0; sent < totalBytes && !peer.destroyed; sent += piece.length) {
      if (!peer.write(piece)) await this.#drained(peer);
    }
  }

  /** Resolves to true when the host has read most of what was sent, and to false when it has closed. */
  async drained(): Promise<boolean> {
    const peer = this.#peer!;
    if (peer.writableNeedDrain && !peer.destroyed) await this.#drained(peer);
    return peer === this.#peer && !peer.destroyed;
  }

  #drained(peer: Socket): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        peer.off("drain", done).off("close", done);
        resolve();
      };
      peer.on("drain", done).on("close", done);
    });
  }

  bytesOf(type: FrameTypeName, stream: number, payload: Buffer | object): Buffer {
    const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
    return buildFrame({ type: frameType[type], stream, payload: bytes }, this.tag);
  }

  frame(type: FrameTypeName, stream: number, payload: Buffer | object): void {
    this.raw(this.bytesOf(type, stream, payload));
  }

  ok(stream: number, fields: object = {}): void {
    this.frame("response", stream, { ok: true, ...fields });
  }

  data(stream: number, channel: number, offset: number, text: string): void {
    this.frame("data", stream, buildData({ channel, offset, bytes: Buffer.from(text) }));
  }

  mail(stream: number, channel: number, offset: number, at: number, length: number): void {
    this.frame("mail", stream, buildMail({ channel, offset, at, length }));
  }

  eof(stream: number, channel: number, offset: number): void {
    this.frame("eof", stream, buildData({ channel, offset, bytes: Buffer.alloc(0) }));
  }

  window(stream: number, channel: number, acked: number, limit: number): void {
    this.frame("window", stream, buildWindow({ channel, acked, limit }));
  }

  exit(stream: number, stdoutBytes: number, fields: object = { exit_code: 0 }): void {
    this.frame("exit", stream, { stdout_bytes: stdoutBytes, stderr_bytes: 0, duration_ms: 1, ...fields });
  }

  /** Answers a sync record correctly; `type` and `stream` are those of hello unless they lie. */
  greet(hello: object | Buffer = HONEST_HELLO, type: FrameTypeName = "hello", stream = 0): void {
    this.raw(BACK_MAGIC, this.nonce, this.bytesOf(type, stream, hello));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#peer?.destroy();
    this.#server.close();
    await once(this.#server, "close");
    rmSync(this.#directory, { recursive: true });
  }

  #receive(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    const at = this.#received.indexOf(SYNC_MAGIC);
    if (at >= 0 && this.#received.length >= at + 2 * NONCE_BYTES) {
      this.nonce = Buffer.from(this.#received.subarray(at + NONCE_BYTES, at + 2 * NONCE_BYTES));
      this.#received = this.#received.subarray(at + 2 * NONCE_BYTES);
      (this.#script.greet ?? ((agent: LyingAgent) => agent.greet()))(this);
    }
    for (;;) {
      if (this.#received.length < HEADER_BYTES) return;
      const length = this.#received.readUInt32LE(0);
      const end = HEADER_BYTES + length + TAG_BYTES;
      if (this.#received.readUInt32LE(8) === 0 || this.#received.length < end) return;
      const [stream, type] = [this.#received.readUInt32LE(4), this.#received.readUInt32LE(8)];
      const payload = this.#received.subarray(HEADER_BYTES, HEADER_BYTES + length);
      this.#received = this.#received.subarray(end);
      if (type === frameType.window) this.#script.onWindow?.(stream, parseWindow(payload));
      if (type === frameType.request) this.#answer(stream, (JSON.parse(payload.toString()) as { op: string }).op);
    }
  }

  #answer(stream: number, op: string): void {
    if (op === "ping") this.ok(stream);
    else if (op === "start" && this.#script.onStart) {
      this.ok(stream, { pid: 1 });
      this.#script.onStart(this, stream);
    } else if (!this.#hasTold) {
      this.#hasTold = true;
      void this.#script.tell?.(this, stream);
    }
  }
}
