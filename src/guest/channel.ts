import { randomBytes } from "node:crypto";

import type { z } from "zod";

import { PyroError } from "../contract/errors.js";
import type { Socket } from "../host/socket.js";
import { buildDataHead, buildFrame, buildSync, FrameParser, type Data, type Frame } from "./frames.js";
import { Handshake } from "./handshake.js";
import { Intake } from "./intake.js";
import { Mailbox } from "./mailbox.js";
import { frameType, type Hello } from "./messages.js";
import { outOfOrder } from "./payload.js";
import { type Fields, type RequestOptions, Requests } from "./requests.js";
import { type StreamListener, Streams } from "./streams.js";

interface OpenOptions {
  readonly deadlineMs: number | null;
  readonly signal?: AbortSignal;
  /** The file that the guest may see as its mailbox. */
  readonly mailboxPath?: string;
}

/**
 * One session with a guest agent over a connected socket. Requests, jobs and transfers share it and have stream numbers. It trusts
 * nothing that it reads: the first invalid frame closes it with AGENT_PROTOCOL.
 */
export class Channel {
  readonly #socket: Socket;
  readonly #streams = new Streams();
  readonly #requests = new Requests(this.#streams, (type, stream, payload) => this.send(type, stream, payload));
  readonly #parser = new FrameParser(Buffer.alloc(16));
  readonly #intake: Intake;
  #tag: Buffer = Buffer.alloc(4);
  readonly #handshake = new Handshake();
  #hello: Hello | null = null;
  #closedBy: PyroError | null = null;
  #waiters: (() => void)[] = [];
  #mailbox: Mailbox | null = null;
  readonly closed: Promise<PyroError>;
  #resolveClosed!: (reason: PyroError) => void;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    const onBroken = (error: unknown) => this.close(PyroError.from(error));
    this.#intake = new Intake(socket, this.#parser, (frame) => this.#dispatch(frame), onBroken);
    socket.on("drain", () => this.#wakeWaiters());
    socket.on("error", () => {});
    socket.on("close", () => this.close(new PyroError("VM_DIED", "The VM ended: its agent disconnected.")));
  }

  /**
   * Starts a session and waits for the agent's hello. From here on the channel owns the socket, even if this throws: VM_START_FAILED
   * after the deadline (null for none), AGENT_PROTOCOL when the agent speaks another version.
   */
  static async open(socket: Socket, options: OpenOptions): Promise<Channel> {
    const channel = new Channel(socket);
    try {
      const sync = () => channel.#sync();
      const { mailbox_bytes: inBytes, outbox_bytes: outBytes = 0 } = await channel.#handshake.perform(
        sync,
        options.deadlineMs,
        options.signal,
      );
      if (options.mailboxPath && inBytes) channel.#mailbox = new Mailbox(options.mailboxPath, { inBytes, outBytes });
      return channel;
    } catch (error) {
      channel.close(PyroError.from(error));
      throw error;
    }
  }

  get hello(): Hello {
    if (this.#hello === null) throw new PyroError("INTERNAL", "The channel is not open.");
    return this.#hello;
  }

  /** The mailbox for large pieces of content; null when the guest has none. */
  get mailbox(): Mailbox | null {
    return this.#mailbox;
  }

  /** The mailbox of a guest that sends pieces through it too; else null. */
  get twoWayMailbox(): Mailbox | null {
    return this.#mailbox?.isTwoWay ? this.#mailbox : null;
  }

  /** A stream number that was never used on this machine, for a request, a job or a transfer. */
  takeStream(): number {
    return this.#streams.take();
  }

  /** Marks stream numbers up to this one as used on this machine. */
  skipStreams(last: number): void {
    this.#streams.skip(last);
  }

  listen(stream: number, listener: StreamListener): void {
    this.#streams.listen(stream, listener);
  }

  unlisten(stream: number): void {
    this.#streams.unlisten(stream);
  }

  /** Sends one frame. False when the caller should await `drained` before it sends more. */
  send(type: number, stream: number, payload: Buffer): boolean {
    if (this.#closedBy) throw this.#closedBy;
    return this.#socket.write(buildFrame({ type, stream, payload }, this.#tag));
  }

  /** Sends a data frame without copying its bytes, so the caller must not change them. False as with `send`. */
  sendData(stream: number, data: Data): boolean {
    if (this.#closedBy) throw this.#closedBy;
    this.#socket.cork();
    this.#socket.write(buildDataHead(stream, data));
    this.#socket.write(data.bytes);
    const isRoomLeft = this.#socket.write(this.#tag);
    this.#socket.uncork();
    return isRoomLeft;
  }

  /** Counts work that the guest's frames have caused, in microseconds of the daemon's time. */
  spend(cost: number): void {
    this.#intake.spend(cost);
  }

  drained(): Promise<void> {
    if (this.#closedBy || !this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Sends a request whose response has no fields. A refusal is an AgentRefusal with the agent's code. */
  async request(op: string, fields: Fields = {}, options: RequestOptions = {}): Promise<void> {
    await this.#requests.perform(op, fields, null, options);
  }

  /** Sends a request and returns its response; one that does not match `answer` closes the channel. */
  async ask<T>(op: string, fields: Fields, answer: z.ZodType<T>, options: RequestOptions = {}): Promise<T> {
    return (await this.#requests.perform(op, fields, answer, options)) as T;
  }

  /** Ends the session. The machine and its jobs are not touched. */
  close(reason = new PyroError("ABORTED", "The channel was closed.")): void {
    if (this.#closedBy) return;
    this.#closedBy = reason;
    this.#intake.close();
    this.#socket.destroy();
    this.#mailbox?.close();
    this.#handshake.fail(reason);
    this.#streams.close(reason);
    this.#wakeWaiters();
    this.#resolveClosed(reason);
  }

  /** Sends a sync record; false when the agent has answered one, or the channel is closed. */
  #sync(): boolean {
    if (this.#parser.synced || this.#closedBy) return false;
    // A paused VM reads nothing now, and will find these records later.
    if (this.#socket.writableLength > 0) return true;
    const nonce = randomBytes(16);
    nonce[0]! |= 1;
    this.#parser.expect(nonce);
    this.#tag = nonce.subarray(0, 4);
    this.#socket.write(buildSync(nonce));
    return true;
  }

  #dispatch(frame: Frame): void {
    if (frame.type === frameType.mail && !this.twoWayMailbox) throw outOfOrder(frame);
    if (this.#hello !== null) return this.#streams.deliver(frame);
    this.#hello = this.#handshake.accept(frame);
    this.#streams.skip(Math.max(0, ...this.#hello.jobs));
  }

  #wakeWaiters(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
