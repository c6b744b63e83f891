import { PyroError } from "../../contract/errors.js";
import type { TerminalSize } from "../../contract/terminal.js";
import type { Call } from "../call.js";

type Typist = Pick<Call, "stdin" | "signal">;

/** A caller's turn at a keyboard. Dispose it when the caller is gone. */
export interface Turn extends Disposable {
  /** Rejects with ABORTED when another caller takes the keyboard. */
  readonly lost: Promise<never>;
}

/** How a caller types into a terminal. */
export interface Typing {
  /** True when the end of the caller's standard input ends the terminal's input. */
  readonly endsInput: boolean;
}

/** The terminal of a command: its size, and its keyboard as one stream. One caller types at a time. */
export class Terminal implements AsyncIterable<Uint8Array> {
  size: TerminalSize;
  readonly #typed: { readonly bytes: Uint8Array; readonly onTaken: () => void }[] = [];
  #isClosed = false;
  #readers = 0;
  #wake = () => {};
  #takeFromHolder = () => {};

  constructor(size: TerminalSize) {
    this.size = size;
  }

  /** Gives the keyboard to a caller. With `endsInput` the end of its standard input is the terminal's end of input. */
  take(caller: Typist, { endsInput }: Typing): Turn {
    this.#takeFromHolder();
    let isLost = false;
    let lose = () => {};
    const lost = new Promise<never>((_, reject) => {
      lose = () => {
        isLost = true;
        reject(
          new PyroError("ABORTED", "Another client took the keyboard of this terminal.", {
            hint: "Attach to it again to take the keyboard back.",
          }),
        );
      };
    });
    lost.catch(() => {});
    this.#takeFromHolder = lose;
    const type = async () => {
      for await (const bytes of caller.stdin ?? []) {
        if (isLost) return;
        await this.type(bytes);
      }
      // The input of a caller who is gone has no end: the caller may reconnect.
      if (endsInput && !isLost && !caller.signal.aborted) this.close();
    };
    type().catch(() => {});
    const leave = () => {
      if (this.#takeFromHolder === lose) this.#takeFromHolder = () => {};
    };
    return { lost, [Symbol.dispose]: leave };
  }

  /** Types bytes; resolves when the guest takes more. Drops them when the command has ended. */
  type(bytes: Uint8Array): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((onTaken) => {
      this.#typed.push({ bytes, onTaken });
      this.#wake();
    });
  }

  /** Keeps typed bytes for the next reader: the VM of the present reader was stopped. */
  hold(): void {
    this.#readers += 1;
    this.#wake();
  }

  /** Ends the input: nothing more will be typed. */
  close(): void {
    this.#isClosed = true;
    for (const { onTaken } of this.#typed) onTaken();
    this.#wake();
  }

  /** The bytes typed from now on. An earlier reader, of a VM that was stopped, gets no more of them. */
  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    this.#readers += 1;
    this.#wake();
    return this.#read(this.#readers);
  }

  async *#read(reader: number): AsyncGenerator<Uint8Array, void> {
    while (reader === this.#readers) {
      const next = this.#typed.shift();
      if (next) {
        try {
          yield next.bytes;
        } finally {
          next.onTaken();
        }
      } else if (this.#isClosed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
