import { randomBytes } from "node:crypto";

import type { z } from "zod";

import { PyroError } from "../contract/errors.js";
import type { Socket } from "../host/socket.js";
import { buildDataHead, buildFrame, buildSync, FrameParser, type Data, type Frame } from "./frames.js";
import { Intake } from "./intake.js";
import { Mailbox } from "./mailbox.js";
import { frameType, hello as helloSchema, PROTOCOL_VERSION, response as responseSchema, type Hello } from "./messages.js";
import { outOfOrder, parseJson } from "./payload.js";

/** What a stream's owner is told. Throwing from it ends the channel: the guest broke the protocol. */
export interface StreamListener {
  onFrame(frame: Frame): void;
  /** The channel is gone; nothing more will come. */
  onClosed(reason: PyroError): void;
}

interface OpenOptions {
  readonly deadlineMs: number | null;
  readonly signal?: AbortSignal;
  /** The file that the guest may see as its mailbox. */
  readonly mailboxPath?: string;
}

interface RequestOptions {
  readonly stream?: number;
  /** Null for none. */
  readonly timeoutMs?: number | null;
  /** Gets the stream's frames from the one behind a good response on. */
  readonly successor?: StreamListener;
  /** While it is under way the agent does nothing else: the time-outs of others wait for it. */
  readonly blocks?: boolean;
}

type Fields = Record<string, unknown>;

/** Frames that only a host may send. */
const HOSTS_TYPES: ReadonlySet<number> = new Set([frameType.request, frameType.mail]);
const LAST_STREAM = 0xffff_ffff;

/** Sync is said again after this long, growing, since a booting agent may miss the first. */
const SYNC_AGAIN_MS = 1_000;
const SYNC_AGAIN_MOST_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * One session with a guest agent over a connected socket. Requests, jobs and transfers share it, told apart by stream numbers.
 * It trusts nothing it reads: the first thing out of order closes it with AGENT_PROTOCOL.
 */
export class Channel {
  readonly #socket: Socket;
  readonly #listeners = new Map<number, StreamListener>();
  readonly #parser = new FrameParser(Buffer.alloc(16));
  readonly #intake: Intake;
  #tag: Buffer = Buffer.alloc(4);
  #nextStream = 1;
  /** Requests under way during which the agent answers no other. */
  #blocking = 0;
  #hello: Hello | null = null;
  #closedBy: PyroError | null = null;
  #settleHello: { resolve: (hello: Hello) => void; reject: (error: PyroError) => void } | null = null;
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
   * Starts a session and waits for the agent's hello. The socket is the channel's from here on, also when this throws:
   * VM_START_FAILED after the deadline (null for none), AGENT_PROTOCOL when the agent speaks another version.
   */
  static async open(socket: Socket, options: OpenOptions): Promise<Channel> {
    const channel = new Channel(socket);
    try {
      await channel.#start(options.deadlineMs, options.signal);
      const { mailbox_bytes: mailboxBytes } = channel.hello;
      if (options.mailboxPath && mailboxBytes) channel.#mailbox = new Mailbox(options.mailboxPath, mailboxBytes);
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

  /** Where large pieces of content are laid; null when the guest has none. */
  get mailbox(): Mailbox | null {
    return this.#mailbox;
  }

  /** A stream number that was never used on this machine, for a request, a job or a transfer. */
  takeStream(): number {
    if (this.#nextStream > LAST_STREAM) throw new PyroError("AGENT_PROTOCOL", "The guest has used up all stream numbers.");
    return this.#nextStream++;
  }

  /** Says that numbers up to this one were used on this machine. */
  skipStreams(last: number): void {
    this.#nextStream = Math.max(this.#nextStream, last + 1);
  }

  listen(stream: number, listener: StreamListener): void {
    this.skipStreams(stream);
    if (this.#closedBy) listener.onClosed(this.#closedBy);
    else this.#listeners.set(stream, listener);
  }

  unlisten(stream: number): void {
    this.#listeners.delete(stream);
  }

  /** Sends one frame. False when the caller should await `drained` before it sends more. */
  send(type: number, stream: number, payload: Buffer): boolean {
    if (this.#closedBy) throw this.#closedBy;
    return this.#socket.write(buildFrame({ type, stream, payload }, this.#tag));
  }

  /** Sends a data frame whose bytes nobody changes any more, without a copy of them. False as with `send`. */
  sendData(stream: number, data: Data): boolean {
    if (this.#closedBy) throw this.#closedBy;
    this.#socket.cork();
    this.#socket.write(buildDataHead(stream, data));
    this.#socket.write(data.bytes);
    const isRoomLeft = this.#socket.write(this.#tag);
    this.#socket.uncork();
    return isRoomLeft;
  }

  drained(): Promise<void> {
    if (this.#closedBy || !this.#socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Sends a request whose response holds nothing of interest. A refusal is an AgentRefusal with the agent's code. */
  async request(op: string, fields: Fields = {}, options: RequestOptions = {}): Promise<void> {
    await this.#request(op, fields, null, options);
  }

  /** Sends a request and returns what its response holds; one that is not as `answer` says closes the channel. */
  async ask<T>(op: string, fields: Fields, answer: z.ZodType<T>, options: RequestOptions = {}): Promise<T> {
    return (await this.#request(op, fields, answer, options)) as T;
  }

  async #request(
    op: string,
    fields: Fields,
    answerSchema: z.ZodType | null,
    { stream = this.takeStream(), timeoutMs = REQUEST_TIMEOUT_MS, successor, blocks = false }: RequestOptions,
  ): Promise<unknown> {
    const { promise, resolve, reject } = deferred<unknown>();
    const giveUp = () => {
      this.unlisten(stream);
      reject(new PyroError("VM_DIED", `The guest's agent did not answer ${op} within ${timeoutMs} ms.`));
    };
    const cancelTimeout = timeoutMs === null ? () => {} : this.#whenIdleFor(timeoutMs, giveUp);
    this.listen(stream, {
      onFrame: (frame) => {
        if (frame.type !== frameType.response) throw outOfOrder(frame);
        const answer = parseJson(frame, responseSchema);
        const value = answer.ok && answerSchema ? parseJson(frame, answerSchema) : null;
        this.unlisten(stream);
        if (!answer.ok) return reject(new AgentRefusal(op, answer.error));
        if (successor) this.listen(stream, successor);
        resolve(value);
      },
      onClosed: reject,
    });
    if (blocks) this.#blocking++;
    try {
      this.send(frameType.request, stream, Buffer.from(JSON.stringify({ op, ...fields })));
      return await promise;
    } finally {
      if (blocks) this.#blocking--;
      cancelTimeout();
    }
  }

  /** Calls back after this long in which no request has blocked the agent. Returns what stops that. */
  #whenIdleFor(timeoutMs: number, onTimeout: () => void): () => void {
    let timer: NodeJS.Timeout;
    const wait = () => (timer = setTimeout(() => (this.#blocking > 0 ? wait() : onTimeout()), timeoutMs));
    wait();
    return () => clearTimeout(timer);
  }

  /** Ends the session. The machine and its jobs are not touched. */
  close(reason = new PyroError("ABORTED", "The channel was closed.")): void {
    if (this.#closedBy) return;
    this.#closedBy = reason;
    this.#intake.close();
    this.#socket.destroy();
    this.#mailbox?.close();
    this.#settleHello?.reject(reason);
    for (const listener of this.#listeners.values()) listener.onClosed(reason);
    this.#listeners.clear();
    this.#wakeWaiters();
    this.#resolveClosed(reason);
  }

  async #start(deadlineMs: number | null, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = deferred<Hello>();
    this.#settleHello = { resolve, reject };
    const onAbort = () => reject(new PyroError("ABORTED", "The call was cancelled."));
    signal?.addEventListener("abort", onAbort, { once: true });
    const giveUp = () =>
      reject(new PyroError("VM_START_FAILED", `The guest's agent was not ready within ${deadlineMs} ms.`));
    const deadline = deadlineMs === null ? undefined : setTimeout(giveUp, deadlineMs);
    let wait = SYNC_AGAIN_MS;
    let again: NodeJS.Timeout;
    const sync = () => {
      if (this.#parser.synced || this.#closedBy) return;
      // A VM that stands still reads nothing, and will find those that were sent.
      if (this.#socket.writableLength === 0) this.#sync();
      again = setTimeout(sync, wait);
      wait = Math.min(2 * wait, SYNC_AGAIN_MOST_MS);
    };
    sync();
    try {
      this.#hello = await promise;
    } finally {
      clearTimeout(deadline);
      clearTimeout(again!);
      signal?.removeEventListener("abort", onAbort);
      this.#settleHello = null;
    }
  }

  #sync(): void {
    const nonce = randomBytes(16);
    nonce[0]! |= 1;
    this.#parser.expect(nonce);
    this.#tag = nonce.subarray(0, 4);
    this.#socket.write(buildSync(nonce));
  }

  #dispatch(frame: Frame): void {
    if (this.#hello === null && this.#settleHello !== null) {
      if (frame.type !== frameType.hello || frame.stream !== 0) throw outOfOrder(frame);
      const hello = parseJson(frame, helloSchema);
      if (hello.protocol !== PROTOCOL_VERSION) {
        throw new PyroError("AGENT_PROTOCOL", `The agent speaks protocol ${hello.protocol}, pyro ${PROTOCOL_VERSION}.`);
      }
      this.#hello = hello;
      this.#nextStream = Math.max(0, ...hello.jobs) + 1;
      this.#settleHello.resolve(hello);
      return;
    }
    const isUsed = frame.stream > 0 && frame.stream < this.#nextStream;
    if (!isUsed || frame.type === frameType.hello || HOSTS_TYPES.has(frame.type)) throw outOfOrder(frame);
    // A stream that nobody listens to any more may still have frames under way: they are dropped.
    this.#listeners.get(frame.stream)?.onFrame(frame);
  }

  #wakeWaiters(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}

/** The agent said no. Its code decides; its words are the guest's and only shown. */
export class AgentRefusal extends Error {
  override readonly name = "AgentRefusal";
  readonly code: string;
  readonly errno: string | undefined;
  readonly path: string | undefined;

  constructor(op: string, error: { code: string; message: string; errno?: string | undefined; path?: string | undefined }) {
    super(`${op}: ${error.message}`);
    this.code = error.code;
    this.errno = error.errno;
    this.path = error.path;
  }
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  promise.catch(() => {});
  return { promise, resolve, reject };
}
