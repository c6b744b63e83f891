import { PyroError } from "../contract/errors.js";
import type { Channel } from "./channel.js";
import { costs } from "./costs.js";
import { buildWindow, parseData, parseEof, parseWindow, type Frame } from "./frames.js";
import { channelNumber, frameType, response } from "./messages.js";
import { outOfOrder, parseJson } from "./payload.js";
import { Receiver } from "./receiver.js";
import { AgentRefusal } from "./refusal.js";
import { StdinSender } from "./stdin-sender.js";

/** The host's end of a connection. */
export interface TunnelPeer {
  /** The bytes for the guest, to their end. */
  readonly source: AsyncIterable<Uint8Array>;
  /** Takes the guest's bytes in order. While it is pending, the guest waits. */
  readonly onBytes: (bytes: Buffer) => Promise<void>;
  /** Called when the connection exists, and with each further window of the guest. */
  readonly onWindow?: () => void;
  /** Called once when the guest has sent its last byte and all were taken. */
  readonly onEnd: () => void;
}

/** A connection to a port of the guest's loopback. */
export class Tunnel {
  /** Resolves when both directions have ended; rejects when the connection fails, also because no program listens on the port. */
  readonly finished: Promise<void>;
  readonly #channel: Channel;
  readonly #stream: number;
  readonly #peer: TunnelPeer;
  readonly #receiver: Receiver;
  readonly #sender: StdinSender;
  #isOver = false;
  #settle!: { resolve: () => void; reject: (error: Error) => void };

  private constructor(channel: Channel, peer: TunnelPeer) {
    this.#channel = channel;
    this.#stream = channel.takeStream();
    this.#peer = peer;
    this.finished = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.finished.catch(() => {});
    const onFailed = (error: unknown) => this.#abandon(PyroError.from(error));
    this.#receiver = new Receiver({
      from: 0,
      mailbox: null,
      deliver: peer.onBytes,
      spend: () => channel.spend(costs.passing),
      grant: async (acked, limit) => {
        await channel.drained();
        this.#grant(acked, limit);
      },
      onFailed,
    });
    this.#sender = new StdinSender(channel, this.#stream, 0, { mailbox: null, onFailed });
  }

  static open(channel: Channel, port: number, peer: TunnelPeer): Tunnel {
    const tunnel = new Tunnel(channel, peer);
    channel.listen(tunnel.#stream, {
      onFrame: (frame) => tunnel.#receive(frame),
      onClosed: (reason) => tunnel.#fail(reason),
    });
    channel.send(frameType.request, tunnel.#stream, Buffer.from(JSON.stringify({ op: "dial", port })));
    tunnel.#grant(0, tunnel.#receiver.limitFrom(0));
    tunnel.#sender.send(peer.source, 0);
    return tunnel;
  }

  /** Breaks off the connection, in the guest too. */
  close(): void {
    this.#abandon(new PyroError("ABORTED", "The connection was closed."));
  }

  #receive(frame: Frame): void {
    if (frame.type === frameType.data) {
      const data = parseData(frame.payload);
      if (data.channel !== channelNumber.stdout) throw outOfOrder(frame);
      this.#receiver.take(data);
    } else if (frame.type === frameType.eof) {
      const { channel, offset } = parseEof(frame.payload);
      if (channel !== channelNumber.stdout) throw outOfOrder(frame);
      this.#receiver.takeEof(offset);
      void this.#receiver.flushed().then(() => this.#isOver || this.#peer.onEnd());
    } else if (frame.type === frameType.window) {
      this.#sender.open(parseWindow(frame.payload));
      this.#peer.onWindow?.();
    } else if (frame.type === frameType.response) this.#end(frame);
    else throw outOfOrder(frame);
  }

  #end(frame: Frame): void {
    const answer = parseJson(frame, response);
    if (!answer.ok) return this.#fail(new AgentRefusal("dial", answer.error));
    if (!this.#receiver.isWhole) throw outOfOrder(frame);
    this.#channel.unlisten(this.#stream);
    this.#sender.stop();
    void this.#receiver.flushed().then(() => {
      this.#isOver = true;
      this.#settle.resolve();
    });
  }

  #abandon(reason: PyroError): void {
    if (this.#isOver) return;
    this.#fail(reason);
    this.#channel.request("cancel", { transfer: this.#stream }).catch(() => {});
  }

  #fail(error: Error): void {
    this.#isOver = true;
    this.#channel.unlisten(this.#stream);
    this.#receiver.stop();
    this.#sender.stop();
    this.#settle.reject(error);
  }

  #grant(acked: number, limit: number): void {
    const payload = buildWindow({ channel: channelNumber.stdout, acked, limit });
    this.#channel.send(frameType.window, this.#stream, payload);
  }
}
