import { PyroError } from "../../contract/errors.js";
import type { Log } from "../../host/log.js";
import type { Share } from "./budget.js";
import { Demand } from "./demand.js";
import type { Make, ReadyMachine, SpareCount, SpareKind } from "./spare-kind.js";

/** One use of a machine of some kind, from the request to the end of the machine. */
interface Use {
  /** Called when the machine exists or failed: from then on spares are made again. */
  settle(): void;
  end(): void;
}

interface Spare extends ReadyMachine {
  readonly kind: SpareKind;
  readonly urgent: AbortController;
  readonly expiry: NodeJS.Timeout;
}

interface Making {
  readonly kind: SpareKind;
  readonly urgent: AbortController;
  readonly cancel: AbortController;
  /** Null when it could not be made. */
  readonly done: Promise<ReadyMachine | null>;
  /** True when a caller waits for it. */
  isClaimed: boolean;
}

interface Watched {
  readonly kind: SpareKind;
  readonly make: Make;
  readonly demand: Demand;
  inFlight: number;
}

export interface SparesOptions {
  readonly log: Log;
  /** Memory that the host can still give to machines. */
  readonly availableMib: () => number;
  /** Whether the limits have room for one more. */
  readonly isAllowed: (share: Share) => boolean;
}

/** The most that are kept ready, of all kinds together. */
const MAX_SPARES = 16;
/** A spare that is not ready after this long, on a busy host, is made at the normal priority from then on. */
const PATIENCE_MS = 5_000;
/** How long an unused spare is kept. */
const SPARE_LIFE_MS = 20_000;
/** Memory that stays available to the host beyond a spare's maximum. With less, spares are removed. */
const HEADROOM_MIB = 2_048;
/** Interval at which the host's memory is checked while there are spares. */
const PRESSURE_MS = 1_000;

/**
 * Machines kept ready for the next callers: restored, woken, warmed and not used yet. In a burst as many are kept as were
 * in use at once. They are made one after the other, when no caller waits for a machine.
 */
export class Spares {
  readonly #log: Log;
  readonly #availableMib: () => number;
  readonly #isAllowed: (share: Share) => boolean;
  readonly #watched = new Map<string, Watched>();
  readonly #ready: Spare[] = [];
  #making: Making | null = null;
  /** Callers that wait for a machine. */
  #waiting = 0;
  #pressure: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ log, availableMib, isAllowed }: SparesOptions) {
    this.#log = log;
    this.#availableMib = availableMib;
    this.#isAllowed = isAllowed;
  }

  counts(): SpareCount[] {
    const kinds = new Map([this.#making, ...this.#ready].flatMap((each) => (each ? [[each.kind.key, each.kind]] : [])));
    return [...kinds.values()].map((kind) => ({
      ...kind,
      ready: this.#readyOf(kind.key).length,
      warming: this.#making?.kind.key === kind.key ? 1 : 0,
    }));
  }

  /** Counts a request for a machine; in a burst the next ones are made ahead. */
  begin(kind: SpareKind, make: Make): Use {
    const now = performance.now();
    const known = this.#watched.get(kind.key);
    const watched = { kind, make, demand: known?.demand ?? new Demand(), inFlight: (known?.inFlight ?? 0) + 1 };
    // The kind of the latest request comes last.
    this.#watched.delete(kind.key);
    this.#watched.set(kind.key, watched);
    watched.demand.ask(watched.inFlight, now);
    this.#waiting++;
    let isSettled = false;
    const settle = () => {
      if (isSettled) return;
      isSettled = true;
      this.#waiting--;
      this.#refill();
    };
    const end = () => {
      const current = this.#watched.get(kind.key);
      if (current) current.inFlight--;
      settle();
    };
    return { settle, end };
  }

  /**
   * Gives a spare of this kind to the caller; null when there is none. A spare that is being made counts: it is ready before a new
   * machine.
   */
  async take(key: string): Promise<ReadyMachine | null> {
    const [spare] = this.#readyOf(key);
    if (spare) {
      this.#forget(spare);
      spare.urgent.abort();
      return spare;
    }
    const making = this.#making;
    if (making?.kind.key !== key || making.isClaimed) return null;
    making.isClaimed = true;
    making.urgent.abort();
    return making.done;
  }

  /** Ends the burst: nothing is kept ready until the next one. A spare that is being made is given up, unless a caller waits for it. */
  async end(): Promise<void> {
    for (const [key, { inFlight }] of this.#watched) if (inFlight === 0) this.#watched.delete(key);
    for (const [key, watched] of this.#watched) this.#watched.set(key, { ...watched, demand: new Demand() });
    const making = this.#making;
    if (making && (this.#closed || !making.isClaimed)) giveUp(making);
    await making?.done;
    await this.#dropAll();
  }

  /**
   * Removes every spare, and gives up one that is being made unless a caller waits for it, for a caller that needs the room. Until the
   * work has ended, no other is made.
   */
  async whileGivenBack<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    try {
      const making = this.#making;
      if (making && !making.isClaimed) {
        giveUp(making);
        await making.done;
      }
      await this.#dropAll();
      return await work();
    } finally {
      this.#waiting--;
    }
  }

  async #dropAll(): Promise<void> {
    await Promise.all([...this.#ready].map((spare) => this.#drop(spare)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.end();
  }

  #readyOf(key: string): Spare[] {
    return this.#ready.filter(({ kind }) => kind.key === key);
  }

  /** Makes the next needed spare for which the host has memory. */
  #refill(): void {
    if (this.#closed || this.#making || this.#waiting > 0 || this.#ready.length >= MAX_SPARES) return;
    const now = performance.now();
    const wanted = [...this.#watched.values()].toReversed().find((each) => this.#isWanted(each, now));
    for (const [key, { demand, inFlight }] of this.#watched) {
      if (inFlight === 0 && demand.isOver(now)) this.#watched.delete(key);
    }
    if (wanted) void this.#make(wanted);
  }

  #isWanted({ kind, demand }: Watched, now: number): boolean {
    const isShort = this.#readyOf(kind.key).length < demand.wanted(now);
    return isShort && this.#availableMib() >= kind.memMib + HEADROOM_MIB && this.#isAllowed(kind.share);
  }

  async #make({ kind, make }: Watched): Promise<void> {
    const urgent = new AbortController();
    const cancel = new AbortController();
    const patience = setTimeout(() => urgent.abort(), PATIENCE_MS);
    const done = make(urgent.signal, cancel.signal).catch((error: unknown) => {
      if (!cancel.signal.aborted) this.#log.warn({ err: error }, "no spare VM could be made");
      return null;
    });
    const making: Making = { kind, urgent, cancel, done, isClaimed: false };
    this.#making = making;
    const made = await done;
    clearTimeout(patience);
    this.#making = null;
    if (made && !making.isClaimed) this.#keep(made, making);
    // After a failure nothing is made until the next request.
    if (made) this.#refill();
  }

  #keep({ machine, release }: ReadyMachine, { kind, urgent }: Making): void {
    const expiry = setTimeout(() => void this.#drop(spare), SPARE_LIFE_MS);
    const spare: Spare = { machine, release, kind, urgent, expiry };
    this.#ready.push(spare);
    this.#pressure ??= setInterval(() => this.#relieve(), PRESSURE_MS);
    void machine.died.then(() => this.#drop(spare));
  }

  /** Gives back the oldest spare when the host is short of memory. */
  #relieve(): void {
    const [oldest] = this.#ready;
    if (oldest && this.#availableMib() < HEADROOM_MIB) void this.#drop(oldest);
  }

  #forget(spare: Spare): boolean {
    const index = this.#ready.indexOf(spare);
    if (index === -1) return false;
    this.#ready.splice(index, 1);
    clearTimeout(spare.expiry);
    if (this.#ready.length === 0) {
      clearInterval(this.#pressure);
      this.#pressure = undefined;
    }
    return true;
  }

  async #drop(spare: Spare): Promise<void> {
    if (!this.#forget(spare)) return;
    await spare.machine.destroy();
    spare.release();
  }
}

function giveUp({ cancel }: Making): void {
  cancel.abort(new PyroError("ABORTED", "No spare VM is needed."));
}
