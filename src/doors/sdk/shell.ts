import type { OpenShellOptions, SignalOptions } from "./options.js";
import type { OpenedShell, TaskExecResult } from "./results.js";

/** The options of `shellTask`, for opening the shell if no shell with its name runs. */
export interface ShellTaskOptions extends OpenShellOptions {
  /** Begin with the output so far; default: true. */
  readonly replay?: boolean | undefined;
}

interface Size {
  readonly rows: number;
  readonly cols: number;
}

/** One client's end of a shell. */
export interface ShellEnd {
  readonly keys: AsyncIterable<Uint8Array>;
  readonly size: () => Size;
  readonly onResize: (listener: (size: Size) => void) => () => void;
  /** The shell waits until it resolves. */
  readonly onShown: (bytes: Uint8Array) => Promise<void>;
  readonly detached: AbortSignal;
}

/** Connects the end of a client to a shell. Resolves when the shell's command has ended. */
type FollowShell = (end: ShellEnd) => Promise<TaskExecResult>;

/** The part of the SDK that a shell uses. */
interface ShellOperations {
  signalTask(taskId: string, sequence: number, options?: SignalOptions): Promise<unknown>;
}

/**
 * The terminal of a shell: iterate over it for what it shows, as it comes, and write what is typed. It survives the daemon. Leaving the
 * loop, or `detach`, leaves the shell running. When another client takes the keyboard, the loop and `exit` reject with `ABORTED`.
 */
export class Shell implements AsyncIterable<Uint8Array> {
  /** The shell when this was opened. */
  readonly info: OpenedShell;
  /** Resolves when the shell's command has ended; rejects with `ABORTED` when this client detaches before. */
  readonly exit: Promise<TaskExecResult>;
  readonly #operations: ShellOperations;
  readonly #detaching = new AbortController();
  #size: Size;
  #onSize: (size: Size) => void = () => {};
  readonly #keys = new Pieces();
  readonly #shown = new Pieces();

  constructor(follow: FollowShell, operations: ShellOperations, info: OpenedShell) {
    this.info = info;
    this.#operations = operations;
    this.#size = { rows: info.rows, cols: info.cols };
    this.exit = follow({
      keys: this.#keys,
      size: () => this.#size,
      onResize: (listener) => {
        this.#onSize = listener;
        return () => (this.#onSize = () => {});
      },
      onShown: (bytes) => this.#shown.add(bytes),
      detached: this.#detaching.signal,
    });
    this.exit
      .catch(() => {})
      .finally(() => {
        this.#keys.end();
        this.#shown.end();
      });
  }

  /** The output of the terminal: first earlier output, if asked for, then new output as it comes. Unread output holds the shell back. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* this.#shown;
      await this.exit;
    } finally {
      this.detach();
    }
  }

  /** Types a text or bytes; resolves when the shell takes more. A carriage return is the Enter key. */
  write(typed: string | Uint8Array): Promise<void> {
    return this.#keys.add(typeof typed === "string" ? Buffer.from(typed) : typed);
  }

  /** Gives the terminal another size. */
  resize(size: { readonly rows: number; readonly cols: number }): void {
    this.#size = size;
    this.#onSize(size);
  }

  /** Sends a signal to the shell's process group. */
  async signal(signal: NonNullable<SignalOptions["signal"]>): Promise<void> {
    await this.#operations.signalTask(this.info.taskId, this.info.sequence, { signal });
  }

  /** Leaves the shell, which runs on. */
  detach(): void {
    this.#detaching.abort();
    this.#shown.end();
  }
}

/** Pieces on their way to one reader: the latest one that iterates. */
class Pieces implements AsyncIterable<Uint8Array> {
  readonly #waiting: { readonly bytes: Uint8Array; readonly onTaken: () => void }[] = [];
  #wake = () => {};
  #readers = 0;
  #isEnded = false;

  /** Resolves when the reader takes more, or there are no more readers. */
  add(bytes: Uint8Array): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    return new Promise((onTaken) => {
      this.#waiting.push({ bytes, onTaken });
      this.#wake();
    });
  }

  /** Ends the pieces. Waiting ones are still read. */
  end(): void {
    this.#isEnded = true;
    for (const { onTaken } of this.#waiting) onTaken();
    this.#wake();
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    this.#readers += 1;
    this.#wake();
    return this.#read(this.#readers);
  }

  async *#read(reader: number): AsyncGenerator<Uint8Array, void, undefined> {
    while (reader === this.#readers) {
      const next = this.#waiting.shift();
      if (next) {
        yield next.bytes;
        next.onTaken();
      } else if (this.#isEnded) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
