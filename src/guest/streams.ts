import { PyroError } from "../contract/errors.js";
import type { Frame } from "./frames.js";
import { frameType } from "./messages.js";
import { outOfOrder } from "./payload.js";

/** The callbacks of a stream's owner. Throwing from one closes the channel: the guest broke the protocol. */
export interface StreamListener {
  onFrame(frame: Frame): void;
  /** Called when the channel has closed; nothing more will arrive. */
  onClosed(reason: PyroError): void;
}

/** Frames that only a host may send. */
const HOSTS_TYPES: ReadonlySet<number> = new Set([frameType.request]);
const LAST_STREAM = 0xffff_ffff;

/** The numbered streams of a channel, each with its owner. */
export class Streams {
  readonly #listeners = new Map<number, StreamListener>();
  #next = 1;
  #closedBy: PyroError | null = null;

  /** Returns a number that was never used on this machine, for a request, a job or a transfer. */
  take(): number {
    if (this.#next > LAST_STREAM) throw new PyroError("AGENT_PROTOCOL", "The guest has used up all stream numbers.");
    return this.#next++;
  }

  /** Marks stream numbers up to this one as used on this machine. */
  skip(last: number): void {
    this.#next = Math.max(this.#next, last + 1);
  }

  listen(stream: number, listener: StreamListener): void {
    this.skip(stream);
    if (this.#closedBy) listener.onClosed(this.#closedBy);
    else this.#listeners.set(stream, listener);
  }

  unlisten(stream: number): void {
    this.#listeners.delete(stream);
  }

  /** Passes a frame to the owner of its stream. Throws when the guest may not send it. */
  deliver(frame: Frame): void {
    const isUsed = frame.stream > 0 && frame.stream < this.#next;
    if (!isUsed || frame.type === frameType.hello || HOSTS_TYPES.has(frame.type)) throw outOfOrder(frame);
    // Frames may still arrive for a stream without an owner: they are dropped.
    this.#listeners.get(frame.stream)?.onFrame(frame);
  }

  close(reason: PyroError): void {
    this.#closedBy = reason;
    for (const listener of this.#listeners.values()) listener.onClosed(reason);
    this.#listeners.clear();
  }
}
