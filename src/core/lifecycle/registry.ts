import { PyroError } from "../../contract/errors.js";
import { readMakingTime } from "../../host/files.js";
import type { Log } from "../../host/log.js";
import type { Damage } from "../../store/record.js";
import type { LastingMachines } from "../machines/lasting.js";
import { reapRegularly } from "./expiry.js";

/** The parts in which tasks and VMs differ. */
export interface RegistryOptions<Item> {
  readonly noun: "Task" | "VM";
  readonly machines: Pick<LastingMachines, "endLost">;
  readonly log: Log;
  /** The id of the machine that belongs to a record which cannot be read. */
  readonly machineIdOf: (id: string) => string;
  /** NOT_FOUND, for an id that neither a readable nor an unreadable record has. */
  readonly missing: (id: string) => PyroError;
  /** The next step for an item that cannot be read. */
  readonly unreadableHint: (id: string) => string;
  readonly hasExpired: (item: Item, now: number) => boolean;
  /** Ends the item with its machine and removes its files. */
  readonly remove: (id: string, item: Item) => Promise<void>;
  readonly removeFiles: (id: string) => Promise<void>;
}

/** The tasks, or the VMs, of one home by id. An item whose files cannot be read can only be shown and deleted. */
export class Registry<Item> {
  readonly #options: RegistryOptions<Item>;
  readonly #items = new Map<string, Item>();
  readonly #damages = new Map<string, Damage>();
  readonly #reaper: NodeJS.Timeout;

  constructor(options: RegistryOptions<Item>) {
    this.#options = options;
    this.#reaper = reapRegularly(() => this.reapExpired());
  }

  get all(): Item[] {
    return [...this.#items.values()];
  }

  get unreadable(): [string, Damage][] {
    return [...this.#damages];
  }

  add(id: string, item: Item): void {
    this.#items.set(id, item);
  }

  /** Notes a record that cannot be read, and when it was made. */
  async addUnreadable(id: string, reason: string, path: string): Promise<void> {
    this.#damages.set(id, { reason, since: await readMakingTime(path) });
    this.#options.log.warn({ id, reason }, `${this.#options.noun} is unreadable`);
  }

  /** Why a record cannot be read; undefined for the others. */
  damageOf(id: string): Damage | undefined {
    return this.#damages.get(id);
  }

  /** Throws NOT_FOUND, or FAILED_PRECONDITION for one whose files cannot be read. */
  get(id: string): Item {
    const item = this.#items.get(id);
    if (item !== undefined) return item;
    const { noun, missing, unreadableHint } = this.#options;
    const reason = this.#damages.get(id)?.reason;
    if (reason === undefined) throw missing(id);
    throw new PyroError("FAILED_PRECONDITION", `${noun} ${id} is unreadable: ${reason}.`, {
      hint: unreadableHint(id),
      details: { [`${noun.toLowerCase()}_id`]: id, state: "unreadable", reason },
    });
  }

  /** Takes an item out; its files and its machine are the caller's to remove. */
  forget(id: string): void {
    this.#items.delete(id);
  }

  async delete(id: string): Promise<void> {
    const { machines, machineIdOf, missing, remove, removeFiles } = this.#options;
    const item = this.#items.get(id);
    if (item !== undefined) return remove(id, item);
    if (!this.#damages.delete(id)) throw missing(id);
    await removeFiles(id);
    await machines.endLost(machineIdOf(id));
  }

  /** Deletes the items whose time to live has passed, and returns their ids. */
  async reapExpired(): Promise<string[]> {
    const { noun, log, hasExpired } = this.#options;
    const now = Date.now();
    const expired = [...this.#items].flatMap(([id, item]) => (hasExpired(item, now) ? [id] : []));
    for (const id of expired) {
      log.info({ id }, `${noun} expired`);
      await this.delete(id).catch((error: unknown) => log.error({ err: error }, "reaping failed"));
    }
    return expired;
  }

  /** Stops reaping. */
  close(): void {
    clearInterval(this.#reaper);
  }
}
