import { once } from "node:events";

import type { EndSignal, RequestLine } from "../contract/wire.js";
import type { ClientRequest } from "../host/http.js";

/** Bytes of standard input in one line. */
const PIECE_BYTES = 65_536;

/** Sends what follows an input: an archive, standard input as the daemon grants credit for it, and a wish to cancel. */
export class Upload {
  readonly #request: ClientRequest;
  #creditBytes = 0;
  #onCredit = () => {};
  #closed = false;
  readonly #closing = new AbortController();
  #sendingSource = false;

  constructor(request: ClientRequest) {
    this.#request = request;
  }

  grant(bytes: number): void {
    this.#creditBytes += bytes;
    this.#onCredit();
  }

  /** The second one kills. */
  cancel(signal: EndSignal): void {
    this.#send({ cancel: true, signal });
  }

  /** True until the last byte of a source is on its way. */
  get isSendingSource(): boolean {
    return this.#sendingSource;
  }

  /** Sends an archive in pieces as fast as the daemon takes them, then its end. Rejects with what the source throws. */
  async sendSource(source: AsyncIterable<Uint8Array>): Promise<void> {
    this.#sendingSource = true;
    // Nothing is read for a daemon that is not there.
    await this.#connected();
    for await (const chunk of source) {
      if (this.#closed) return;
      if (chunk.length === 0) continue;
      this.#send({ source: chunk.length });
      // Not corked: on Node.js 24 the drain of a corked request may never come.
      if (!this.#request.write(chunk))
        await once(this.#request, "drain", { signal: this.#closing.signal }).catch(() => {});
    }
    this.#send({ source_end: true });
    this.#sendingSource = false;
  }

  async #connected(): Promise<void> {
    const { signal } = this.#closing;
    const [opened] = this.#request.socket ? [] : await once(this.#request, "socket", { signal }).catch(() => []);
    const socket = this.#request.socket ?? (opened as ClientRequest["socket"]);
    if (socket?.connecting) await once(socket, "connect", { signal }).catch(() => {});
  }

  /** Sends all of it, then its end. Reads nothing before the daemon asks. */
  async sendStdin(source: AsyncIterable<Uint8Array> | null): Promise<void> {
    if (source !== null) {
      await this.#credit();
      // Nobody asked: whoever tries again needs it whole.
      if (this.#closed) return;
      for await (const chunk of source) {
        for (let start = 0; start < chunk.length && !this.#closed; start += PIECE_BYTES) {
          const piece = chunk.subarray(start, start + PIECE_BYTES);
          await this.#credit();
          this.#creditBytes -= piece.length;
          this.#send({ stdin: Buffer.from(piece).toString("base64") });
        }
        if (this.#closed) return;
      }
    }
    this.#send({ stdin_end: true });
  }

  /** The answer is there: nothing more is sent. */
  close(): void {
    this.#closed = true;
    this.#closing.abort();
    this.#onCredit();
  }

  async #credit(): Promise<void> {
    while (this.#creditBytes <= 0 && !this.#closed) {
      await new Promise<void>((resolve) => (this.#onCredit = resolve));
    }
  }

  #send(line: RequestLine): void {
    if (!this.#closed) this.#request.write(`${JSON.stringify(line)}\n`);
  }
}
