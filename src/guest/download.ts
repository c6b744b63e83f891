import type { z } from "zod";

import { PyroError } from "../contract/errors.js";
import { type Channel } from "./channel.js";
import { costs } from "./costs.js";
import { AgentRefusal } from "./refusal.js";
import { buildWindow, parseData, parseEof, parseMail, type Frame } from "./frames.js";
import { channelNumber, frameType, response } from "./messages.js";
import { outOfOrder, parseJson } from "./payload.js";
import { Receiver } from "./receiver.js";

/**
 * A request whose answer is content followed by a response. The content is read once, in order; the guest waits for the reader.
 * Reading throws AgentRefusal if the guest refuses the request, and PyroError if the channel closes.
 */
export class Download<T> {
  readonly #channel: Channel;
  readonly #op: string;
  readonly #stream: number;
  readonly #schema: z.ZodType<T>;
  readonly #receiver: Receiver;
  #piece: Buffer | null = null;
  #takePiece: () => void = () => {};
  #hasEof = false;
  #answer: { readonly value: T } | null = null;
  #isWhole = false;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  private constructor(channel: Channel, op: string, schema: z.ZodType<T>) {
    this.#channel = channel;
    this.#op = op;
    this.#stream = channel.takeStream();
    this.#schema = schema;
    this.#receiver = new Receiver({
      from: 0,
      mailbox: channel.twoWayMailbox,
      deliver: (bytes) => this.#offer(bytes),
      spend: () => channel.spend(costs.passing),
      grant: async (acked, limit) => {
        await channel.drained();
        this.#grant(acked, limit);
      },
      onFailed: (error) => this.#fail(PyroError.from(error)),
    });
  }

  /** Sends a request. `answer` is the schema of its response. */
  static start<T>(
    channel: Channel,
    op: string,
    fields: Readonly<Record<string, unknown>>,
    answer: z.ZodType<T>,
  ): Download<T> {
    const download = new Download(channel, op, answer);
    channel.listen(download.#stream, {
      onFrame: (frame) => download.#receive(frame),
      onClosed: (reason) => download.#fail(reason),
    });
    channel.send(frameType.request, download.#stream, Buffer.from(JSON.stringify({ op, ...fields })));
    download.#grant(0, download.#receiver.limitFrom(0));
    return download;
  }

  /** The content, piece by piece. A reader that stops early cancels the request. */
  async *content(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        while (!this.#failure && this.#piece === null && !this.#isWhole) {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
        if (this.#failure) throw this.#failure;
        const piece = this.#piece;
        if (piece === null) return;
        this.#piece = null;
        yield piece;
        this.#takePiece();
      }
    } finally {
      this.cancel();
    }
  }

  /** The response's fields. Available after the content was read to its end. */
  get answer(): T {
    if (this.#answer === null || !this.#isWhole)
      throw new PyroError("INTERNAL", "The content was not read to its end.");
    return this.#answer.value;
  }

  /** Closes the channel, since the guest has sent content that breaks the protocol. Returns the error to throw. */
  broken(what: string): PyroError {
    const error = new PyroError("AGENT_PROTOCOL", `The guest sent ${what}.`);
    this.#channel.close(error);
    return error;
  }

  /** Ends a request that is under way; nothing more is read. */
  cancel(): void {
    if (this.#isWhole || this.#failure) return;
    this.#fail(new PyroError("ABORTED", "The transfer was cancelled."));
    // Does not wait for the answer: the guest handles requests in order. The end of a session cancels too.
    this.#channel.request("cancel", { transfer: this.#stream }).catch(() => {});
  }

  #offer(bytes: Buffer): Promise<void> {
    this.#piece = bytes;
    const taken = new Promise<void>((resolve) => (this.#takePiece = resolve));
    this.#wake();
    return taken;
  }

  #receive(frame: Frame): void {
    if (frame.type === frameType.data) {
      const data = parseData(frame.payload);
      if (data.channel !== channelNumber.content) throw outOfOrder(frame);
      this.#receiver.take(data);
    } else if (frame.type === frameType.mail) {
      const mail = parseMail(frame.payload);
      if (mail.channel !== channelNumber.content) throw outOfOrder(frame);
      this.#receiver.takeMail(mail);
    } else if (frame.type === frameType.eof) {
      const { channel, offset } = parseEof(frame.payload);
      if (channel !== channelNumber.content) throw outOfOrder(frame);
      this.#receiver.takeEof(offset);
      this.#hasEof = true;
    } else if (frame.type === frameType.response) this.#respond(frame);
    else throw outOfOrder(frame);
  }

  #respond(frame: Frame): void {
    const answer = parseJson(frame, response);
    if (!answer.ok) return this.#fail(new AgentRefusal(this.#op, answer.error));
    if (!this.#hasEof) throw outOfOrder(frame);
    this.#answer = { value: parseJson(frame, this.#schema) };
    this.#channel.unlisten(this.#stream);
    void this.#receiver.flushed().then(() => {
      this.#isWhole = true;
      this.#wake();
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#channel.unlisten(this.#stream);
    this.#receiver.stop();
    this.#takePiece();
    this.#wake();
  }

  #grant(acked: number, limit: number): void {
    const payload = buildWindow({ channel: channelNumber.content, acked, limit });
    this.#channel.send(frameType.window, this.#stream, payload);
  }
}
