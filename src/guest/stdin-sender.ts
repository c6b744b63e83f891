import { PyroError } from "../contract/errors.js";
import type { Channel } from "./channel.js";
import { Credit } from "./credit.js";
import { buildData, type Window } from "./frames.js";
import { channelNumber, frameType } from "./messages.js";

/** The largest window of an agent. */
const GRANT_BYTES = 262_144;
const CHUNK_BYTES = 32_768;

/** Sends standard input to a command, as far as the agent's windows allow. */
export class StdinSender {
  readonly #channel: Channel;
  readonly #job: number;
  readonly #onFailed: (error: unknown) => void;
  readonly #credit = new Credit(GRANT_BYTES);
  #isStopped = false;
  #leaveSource: () => void = () => {};
  /** The offset of the next byte; null until it is known. */
  #offset: number | null;
  #wake: () => void = () => {};

  constructor(channel: Channel, job: number, start: number | null, onFailed: (error: unknown) => void) {
    this.#channel = channel;
    this.#job = job;
    this.#offset = start;
    this.#onFailed = onFailed;
  }

  /** Sends a source from an offset on, to its end. */
  send(source: AsyncIterable<Uint8Array>, start: number): void {
    this.#offset = start;
    try {
      this.#credit.begin(start);
    } catch (error) {
      this.#channel.close(PyroError.from(error));
      return;
    }
    this.#sendAll(source).catch(this.#onFailed);
  }

  /** Takes in a window of the agent. Throws AGENT_PROTOCOL. */
  open(window: Window): void {
    if (window.channel !== channelNumber.stdin) {
      throw new PyroError("AGENT_PROTOCOL", `The guest sent a window for channel ${window.channel}, which is not its input.`);
    }
    this.#credit.open(window, this.#offset ?? Infinity);
    this.#wake();
  }

  /** No more input is needed. */
  stop(): void {
    this.#isStopped = true;
    this.#leaveSource();
    this.#wake();
  }

  async #sendAll(source: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#next(iterator);
        if (next === null || this.#isStopped) return;
        if (next.done) break;
        await this.#sendBytes(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength));
      }
      // A job without standard input, such as a background one, grants no window: its end must not be sent either.
      await this.#until(() => this.#credit.isOpen);
      if (this.#isStopped) return;
      const end = buildData({ channel: channelNumber.stdin, offset: this.#offset!, bytes: Buffer.alloc(0) });
      this.#channel.send(frameType.eof, this.#job, end);
    } finally {
      // Not awaited: the source may wait for a caller who sends nothing more.
      void iterator.return?.().catch(() => {});
    }
  }

  /** The next piece of a source; null when no more is needed. A race against one promise would leak memory for each piece. */
  #next(source: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array, unknown> | null> {
    return new Promise((resolve, reject) => {
      this.#leaveSource = () => resolve(null);
      source.next().then(resolve, reject);
    });
  }

  async #sendBytes(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const offset = this.#offset!;
      await this.#until(() => this.#credit.limit > offset);
      if (this.#isStopped) return;
      const chunk = bytes.subarray(at, at + Math.min(CHUNK_BYTES, this.#credit.limit - offset));
      this.#offset = offset + chunk.length;
      at += chunk.length;
      const data = { channel: channelNumber.stdin, offset, bytes: chunk };
      if (!this.#channel.sendData(this.#job, data)) await this.#channel.drained();
    }
  }

  /** Waits for a condition, or until no more input is needed. */
  async #until(condition: () => boolean): Promise<void> {
    while (!this.#isStopped && !condition()) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}
