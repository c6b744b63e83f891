import type { Machine } from "../backend/backend.js";
import type { Log } from "../host/log.js";
import { readAvailableMemoryMib } from "../host/platform.js";

interface Spare {
  readonly key: string;
  readonly machine: Machine;
  /** Lets go of the environment. */
  readonly release: () => void;
  readonly expiry: NodeJS.Timeout;
}

/** Asking twice within this time is a burst; a single command leaves no spare behind. */
const BURST_MS = 30_000;
/** A spare that nobody took is removed. */
const SPARE_LIFE_MS = 20_000;
/** Left to the host beyond the spare's own memory. */
const HEADROOM_MIB = 2_048;

/**
 * One machine kept ready for whoever asks again: restored, woken, and used by nobody yet.
 * It is made while the command before it runs, so that in a burst of commands only the first waits for a start.
 */
export class Spares {
  readonly #log: Log;
  #spare: Spare | null = null;
  /** The spare that is being made, and whether somebody waits for it already. */
  #making: { key: string; done: Promise<void>; awaited: boolean } | null = null;
  #lastAsked: { key: string; at: number } | null = null;
  #closed = false;

  constructor(log: Log) {
    this.#log = log;
  }

  get count(): number {
    return this.#spare === null ? 0 : 1;
  }

  /** The spare of this kind, now the caller's; null when there is none. One that is being made is ready before a new one. */
  async take(key: string): Promise<{ machine: Machine; release: () => void } | null> {
    if (this.#spare === null && this.#making?.key === key && !this.#making.awaited) {
      this.#making.awaited = true;
      await this.#making.done;
    }
    if (this.#spare?.key !== key) return null;
    const { machine, release, expiry } = this.#spare;
    clearTimeout(expiry);
    this.#spare = null;
    return { machine, release };
  }

  /** Says that a machine of this kind was asked for; in a burst the next one is made ahead. */
  asked(key: string, memMib: number, make: () => Promise<{ machine: Machine; release: () => void }>): void {
    const now = performance.now();
    const burst = this.#lastAsked?.key === key && now - this.#lastAsked.at < BURST_MS;
    this.#lastAsked = { key, at: now };
    if (!burst || this.#closed || this.#making !== null || this.#spare?.key === key) return;
    if (readAvailableMemoryMib() < memMib + HEADROOM_MIB) return;
    const done = this.#replace(key, make)
      .catch((error: unknown) => this.#log.warn({ err: error }, "no spare VM could be made"))
      .finally(() => (this.#making = null));
    this.#making = { key, done, awaited: false };
  }

  /** Ends the burst: nothing is kept ready until the next one. */
  async end(): Promise<void> {
    this.#lastAsked = null;
    await this.#making?.done;
    await this.#drop();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.end();
  }

  async #drop(): Promise<void> {
    const spare = this.#spare;
    this.#spare = null;
    if (spare === null) return;
    clearTimeout(spare.expiry);
    await spare.machine.destroy();
    spare.release();
  }

  async #replace(key: string, make: () => Promise<{ machine: Machine; release: () => void }>): Promise<void> {
    await this.#drop();
    const { machine, release } = await make();
    const expiry = setTimeout(() => void this.#drop(), SPARE_LIFE_MS);
    this.#spare = { key, machine, release, expiry };
    void machine.died.then(() => {
      if (this.#spare?.machine === machine) void this.#drop();
    });
  }
}
