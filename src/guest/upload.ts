import type { z } from "zod";

import { PyroError } from "../contract/errors.js";
import { type Channel } from "./channel.js";
import { AgentRefusal } from "./refusal.js";
import { Credit } from "./credit.js";
import { buildData, buildMail, buildZeros, MAX_PAYLOAD_BYTES, parseWindow, type Frame } from "./frames.js";
import { LETTER_MAX_BYTES } from "./frames.js";
import { channelNumber, frameType, response } from "./messages.js";
import { outOfOrder, parseJson } from "./payload.js";

/** Longest piece of content in one frame. */
const CHUNK_BYTES = MAX_PAYLOAD_BYTES - 9;
/** The largest grant of an agent. */
const GRANT_BYTES = 4_194_304;
const ZEROS = Buffer.alloc(LETTER_MAX_BYTES);
/** Below this size a frame is as fast as the mailbox. */
const LETTER_MIN_BYTES = 8_192;

/**
 * A request that is followed by content from the host, then answered. One caller at a time. Every method throws AgentRefusal if the
 * guest refuses, and PyroError if the channel closes.
 */
export class Upload<T> implements AsyncDisposable {
  readonly stream: number;
  readonly #channel: Channel;
  readonly #op: string;
  readonly #schema: z.ZodType<T>;
  readonly #buffer: Buffer;
  /** Pieces in the mailbox that the guest may not have read yet: their slots, and the offset after each. */
  #pieces: { readonly at: number; readonly end: number }[] = [];
  #filled = 0;
  readonly #credit = new Credit(GRANT_BYTES);
  #offset = 0;
  #hasFinished = false;
  #answer: { readonly value: T } | null = null;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  private constructor(channel: Channel, op: string, schema: z.ZodType<T>) {
    this.#channel = channel;
    this.#op = op;
    this.#schema = schema;
    this.#buffer = Buffer.allocUnsafe(channel.mailbox ? LETTER_MAX_BYTES : CHUNK_BYTES);
    this.stream = channel.takeStream();
  }

  /** Sends a request; resolves when the guest accepts content. `answer` is the schema of its response. */
  static async start<T>(
    channel: Channel,
    op: string,
    fields: Readonly<Record<string, unknown>>,
    answer: z.ZodType<T>,
  ): Promise<Upload<T>> {
    const upload = new Upload(channel, op, answer);
    channel.listen(upload.stream, {
      onFrame: (frame) => upload.#receive(frame),
      onClosed: (reason) => upload.#fail(reason),
    });
    channel.send(frameType.request, upload.stream, Buffer.from(JSON.stringify({ op, ...fields })));
    await upload.#until(() => upload.#credit.limit > 0);
    return upload;
  }

  /** Bytes sent so far. */
  get offset(): number {
    return this.#offset;
  }

  /** Sends content; resolves once it is sent or buffered, in step with the guest. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    for (let at = 0; at < bytes.length;) {
      const step = Math.min(bytes.length - at, this.#buffer.length - this.#filled);
      this.#buffer.set(bytes.subarray(at, at + step), this.#filled);
      this.#filled += step;
      at += step;
      if (this.#filled === this.#buffer.length) await this.flush();
    }
  }

  /** Sends the bytes that are buffered. */
  async flush(): Promise<void> {
    const bytes = this.#buffer.subarray(0, this.#filled);
    const isLarge = bytes.length >= LETTER_MIN_BYTES;
    if (isLarge && this.#channel.hello.zeros && isZero(bytes)) await this.#zeros(bytes.length);
    else if (!isLarge || !(await this.#mail(bytes))) await this.#frame();
    this.#filled = 0;
  }

  /** Resolves when the guest has taken everything before an offset. */
  waitForAcked(offset: number): Promise<void> {
    return this.#until(() => this.#credit.acked >= offset);
  }

  /** Ends the content. Resolves with the answer. */
  async finish(): Promise<T> {
    await this.flush();
    this.#hasFinished = true;
    const end = buildData({ channel: channelNumber.content, offset: this.#offset, bytes: Buffer.alloc(0) });
    this.#channel.send(frameType.eof, this.stream, end);
    await this.#until(() => this.#answer !== null);
    return this.#answer!.value;
  }

  /** Cancels the request; the guest removes its partial result. Does nothing after a refusal. */
  async cancel(): Promise<void> {
    if (this.#failure) return;
    this.#fail(new PyroError("ABORTED", "The transfer was cancelled."));
    try {
      await this.#channel.request("cancel", { transfer: this.stream }, { timeoutMs: null });
    } catch (error) {
      // The end of a session cancels too.
      if (!(error instanceof PyroError)) throw error;
    }
    this.#releaseLetters();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.cancel();
  }

  /** Writes the bytes into the mailbox as one piece, once the guest's window allows it. False when no slot is free. */
  async #mail(bytes: Buffer): Promise<boolean> {
    const at = await this.#channel.mailbox?.put(bytes);
    if (at === undefined || at === null) return false;
    const end = this.#offset + bytes.length;
    try {
      await this.#until(() => this.#credit.limit >= end);
      if (this.#failure) throw this.#failure;
    } catch (error) {
      this.#channel.mailbox?.release(at);
      throw error;
    }
    const mail = buildMail({ channel: channelNumber.content, offset: this.#offset, at, length: bytes.length });
    this.#pieces.push({ at, end });
    this.#offset = end;
    if (!this.#channel.send(frameType.mail, this.stream, mail)) await this.#channel.drained();
    return true;
  }

  /** Sends a hole of a sparse file, once the guest's window allows it. */
  async #zeros(length: number): Promise<void> {
    const offset = this.#offset;
    await this.#until(() => this.#credit.limit >= offset + length);
    if (this.#failure) throw this.#failure;
    this.#offset += length;
    const zeros = buildZeros({ channel: channelNumber.content, offset, length });
    if (!this.#channel.send(frameType.zeros, this.stream, zeros)) await this.#channel.drained();
  }

  async #frame(): Promise<void> {
    for (let at = 0; at < this.#filled;) {
      await this.#until(() => this.#credit.limit > this.#offset);
      const bytes = this.#buffer.subarray(
        at,
        Math.min(this.#filled, at + CHUNK_BYTES, at + this.#credit.limit - this.#offset),
      );
      const payload = buildData({ channel: channelNumber.content, offset: this.#offset, bytes });
      // Before the send: the guest may acknowledge it before this function continues.
      this.#offset += bytes.length;
      at += bytes.length;
      if (!this.#channel.send(frameType.data, this.stream, payload)) await this.#channel.drained();
    }
  }

  /** Frees the slots of pieces that end before `acked`. */
  #releaseLetters(acked = Infinity): void {
    for (const { at, end } of this.#pieces) if (end <= acked) this.#channel.mailbox?.release(at);
    this.#pieces = this.#pieces.filter(({ end }) => end > acked);
  }

  #receive(frame: Frame): void {
    if (frame.type === frameType.window) {
      const window = parseWindow(frame.payload);
      if (window.channel !== channelNumber.content) throw outOfOrder(frame);
      this.#credit.open(window, this.#offset);
      this.#releaseLetters(window.acked);
    } else if (frame.type === frameType.response) {
      const answer = parseJson(frame, response);
      this.#releaseLetters();
      if (!answer.ok) return this.#fail(new AgentRefusal(this.#op, answer.error));
      if (!this.#hasFinished) throw outOfOrder(frame);
      this.#answer = { value: parseJson(frame, this.#schema) };
      this.#channel.unlisten(this.stream);
    } else throw outOfOrder(frame);
    this.#wake();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#channel.unlisten(this.stream);
    this.#wake();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!this.#failure && !condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
    if (this.#failure) throw this.#failure;
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes[0] === 0 && bytes[bytes.length - 1] === 0 && bytes.equals(ZEROS.subarray(0, bytes.length));
}
