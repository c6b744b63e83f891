import type { Machine } from "../../backend/backend.js";
import type { Channel } from "../../guest/channel.js";
import { abortable } from "../../host/abortable.js";

/** How long a helper waits for another caller. */
const IDLE_MS = 60_000;

export interface DiskReaderOptions {
  readonly open: (signal: AbortSignal) => Promise<Machine>;
  readonly close: (machine: Machine) => Promise<void>;
  /** Registers a helper without callers, which `end` ends when a machine needs its room; returns a function that withdraws it. */
  readonly offer: (end: () => Promise<void>) => () => void;
}

/** Reads a disk that no VM writes to. A helper VM serves all callers, and ends when it was unused for a while. */
export class DiskReader {
  readonly #options: DiskReaderOptions;
  #helper: { readonly machine: Promise<Machine>; readonly cancel: AbortController } | null = null;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;
  #withdraw = () => {};
  #isRetired = false;

  constructor(options: DiskReaderOptions) {
    this.#options = options;
  }

  /** Works with the helper's agent; starts the helper when there is none. */
  async use<T>(signal: AbortSignal, work: (channel: Channel) => Promise<T>): Promise<T> {
    this.#keep();
    this.#users += 1;
    try {
      this.#helper ??= this.#start();
      const { channel } = await abortable(this.#helper.machine, signal);
      return await work(channel);
    } finally {
      this.#users -= 1;
      if (this.#users === 0) this.#endSoon();
    }
  }

  /** Ends the helper; one that has callers ends after them, and is not waited for. */
  async retire(): Promise<void> {
    this.#isRetired = true;
    if (this.#users === 0) await this.close();
  }

  /** Ends the helper. A later call starts another one. */
  async close(): Promise<void> {
    this.#keep();
    const helper = this.#helper;
    this.#helper = null;
    helper?.cancel.abort();
    const machine = await helper?.machine.catch(() => null);
    if (machine) await this.#options.close(machine);
  }

  #endSoon(): void {
    if (this.#isRetired) return void this.close();
    this.#timer = setTimeout(() => void this.close(), IDLE_MS).unref();
    this.#withdraw = this.#options.offer(() => this.close());
  }

  /** Stops waiting for the helper's end. */
  #keep(): void {
    clearTimeout(this.#timer);
    this.#withdraw();
  }

  #start() {
    const cancel = new AbortController();
    const machine = this.#options.open(cancel.signal);
    const helper = { machine, cancel };
    // The next caller starts another one.
    const forget = () => {
      if (this.#helper === helper) void this.close();
    };
    machine.then(({ died, channel }) => Promise.race([died, channel.closed]).then(forget), forget);
    return helper;
  }
}
