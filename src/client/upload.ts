import type { EndSignal, RequestLine } from "../contract/wire.js";
import type { ClientRequest } from "../host/http.js";

/** Bytes of standard input in one line. */
const PIECE_BYTES = 65_536;

/** Sends standard input as the daemon grants credit for it, so that a wish to cancel never waits behind it. */
export class Upload {
  readonly #request: ClientRequest;
  #creditBytes = 0;
  #onCredit = () => {};
  #closed = false;

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
