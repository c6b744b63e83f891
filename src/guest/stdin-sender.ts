import { PyroError } from "../contract/errors.js";
import { Waiting } from "../host/waiting.js";
import type { Channel } from "./channel.js";
import { Credit } from "./credit.js";
import { buildData, buildMail, type Window } from "./frames.js";
import { LETTER_MAX_BYTES } from "./frames.js";
import { LETTER_WORTH_BYTES, type Mailbox } from "./mailbox.js";
import { channelNumber, frameType } from "./messages.js";

/** The largest window of an agent, and of one that takes mail. */
const GRANT_BYTES = 262_144;
const MAILED_GRANT_BYTES = 1_048_576;
const CHUNK_BYTES = 32_768;
/** While bytes are under way to a guest that takes mail, the next ones wait until they are as many as this. */
const NEXT_LETTER_BYTES = 524_288;

interface StdinSenderOptions {
  /** The mailbox of a guest that takes standard input from it. */
  readonly mailbox: Mailbox | null;
  readonly onFailed: (error: unknown) => void;
}

/** Sends standard input to a command, as far as the agent's windows allow. */
export class StdinSender {
  readonly #channel: Channel;
  readonly #job: number;
  readonly #options: StdinSenderOptions;
  readonly #credit: Credit;
  readonly #waiting = new Waiting();
  #isStopped = false;
  #leaveSource: () => void = () => {};
  /** The offset of the next byte; null until it is known. */
  #offset: number | null;
  /** Bytes of the source that are not sent yet. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  #isAtEnd = false;
  /** Pieces that the guest may not have read yet: their slots, and the offset behind each. */
  #letters: { readonly at: number; readonly end: number }[] = [];

  constructor(channel: Channel, job: number, start: number | null, options: StdinSenderOptions) {
    this.#channel = channel;
    this.#job = job;
    this.#offset = start;
    this.#options = options;
    this.#credit = new Credit(options.mailbox ? MAILED_GRANT_BYTES : GRANT_BYTES);
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
    Promise.all([this.#collect(source), this.#sendAll()]).catch(this.#options.onFailed);
  }

  /** Takes in a window of the agent. Throws AGENT_PROTOCOL. */
  open(window: Window): void {
    if (window.channel !== channelNumber.stdin) {
      throw new PyroError(
        "AGENT_PROTOCOL",
        `The guest sent a window for channel ${window.channel}, which is not its input.`,
      );
    }
    this.#credit.open(window, this.#offset ?? Infinity);
    this.#releaseLetters(window.acked);
    this.#waiting.wake();
  }

  /** Called when the command needs no more input. */
  stop(): void {
    this.#isStopped = true;
    this.#leaveSource();
    this.#waiting.wake();
  }

  /** Called when the agent has forgotten the command. */
  forget(): void {
    this.#releaseLetters(Infinity);
  }

  /** Reads the source ahead of what was sent: one chunk, or as much as one piece of mail. */
  async #collect(source: AsyncIterable<Uint8Array>): Promise<void> {
    const iterator = source[Symbol.asyncIterator]();
    const most = this.#options.mailbox ? LETTER_MAX_BYTES : 1;
    try {
      for (;;) {
        await this.#until(() => this.#heldBytes < most);
        const next = this.#isStopped ? null : await this.#next(iterator);
        if (next === null) return;
        if (next.done) break;
        this.#held.push(Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength));
        this.#heldBytes += next.value.byteLength;
        this.#waiting.wake();
      }
      this.#isAtEnd = true;
      this.#waiting.wake();
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

  async #sendAll(): Promise<void> {
    for (;;) {
      await this.#until(() => this.#heldBytes > 0 || this.#isAtEnd);
      if (this.#isStopped) return;
      if (this.#heldBytes === 0) break;
      await this.#until(() => this.#mayGoOn);
      if (this.#isStopped) return;
      await this.#sendSome();
    }
    // A job without standard input, such as a background one, grants no window: its end must not be sent either.
    await this.#until(() => this.#credit.isOpen);
    if (this.#isStopped) return;
    const end = buildData({ channel: channelNumber.stdin, offset: this.#offset!, bytes: Buffer.alloc(0) });
    this.#channel.send(frameType.eof, this.#job, end);
  }

  /** True when the agent takes bytes, and there are enough for a piece of mail if others are under way. */
  get #mayGoOn(): boolean {
    const offset = this.#offset!;
    const count = Math.min(this.#heldBytes, this.#credit.limit - offset);
    if (count <= 0) return false;
    return !this.#options.mailbox || this.#credit.acked === offset || count >= NEXT_LETTER_BYTES;
  }

  async #sendSome(): Promise<void> {
    const pieces = this.#take(Math.min(LETTER_MAX_BYTES, this.#credit.limit - this.#offset!));
    if (await this.#mail(pieces)) return;
    for (const piece of pieces) {
      for (let at = 0; at < piece.length && !this.#isStopped; at += CHUNK_BYTES) {
        const bytes = piece.subarray(at, at + CHUNK_BYTES);
        const offset = this.#offset!;
        this.#offset = offset + bytes.length;
        if (!this.#channel.sendData(this.#job, { channel: channelNumber.stdin, offset, bytes })) {
          await this.#channel.drained();
        }
      }
    }
  }

  /** Sends bytes as one piece of mail. False when that is not worth it, no slot is free, or no more input is needed. */
  async #mail(pieces: readonly Buffer[]): Promise<boolean> {
    const { mailbox } = this.#options;
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (!mailbox || length < LETTER_WORTH_BYTES) return false;
    const at = await mailbox.put(...pieces);
    if (at === null) return false;
    if (this.#isStopped) {
      mailbox.release(at);
      return false;
    }
    const offset = this.#offset!;
    this.#offset = offset + length;
    this.#letters.push({ at, end: offset + length });
    const mail = buildMail({ channel: channelNumber.stdin, offset, at, length });
    if (!this.#channel.send(frameType.mail, this.#job, mail)) await this.#channel.drained();
    return true;
  }

  /** Takes at most this many of the held bytes. */
  #take(most: number): Buffer[] {
    const taken: Buffer[] = [];
    for (let left = most; left > 0 && this.#held.length > 0;) {
      const piece = this.#held[0]!.subarray(0, left);
      taken.push(piece);
      left -= piece.length;
      this.#heldBytes -= piece.length;
      if (piece.length === this.#held[0]!.length) this.#held.shift();
      else this.#held[0] = this.#held[0]!.subarray(piece.length);
    }
    this.#waiting.wake();
    return taken;
  }

  #releaseLetters(acked: number): void {
    for (const { at, end } of this.#letters) if (end <= acked) this.#options.mailbox?.release(at);
    this.#letters = this.#letters.filter(({ end }) => end > acked);
  }

  /** Waits for a condition, or until no more input is needed. */
  #until(condition: () => boolean): Promise<void> {
    return this.#waiting.until(() => this.#isStopped || condition());
  }
}
