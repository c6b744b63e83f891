import { randomBytes } from "node:crypto";

import { ConnectError } from "../connect.js";
import type { GuestProgram } from "../guest-program.js";
import { wordIn, type GuestLine } from "../line-program.js";
import { readEntry, type EntryInfo } from "./entry.js";

/** A change in a watched directory, as clients get it. */
export interface FilesystemEvent {
  readonly name: string;
  readonly type: string;
  readonly entry?: EntryInfo;
}

/** The most watchers of a sandbox, and the most events that one keeps for its client. */
const MAX_WATCHERS = 64;
const MAX_EVENTS = 16_384;
const MAX_EVENT_BYTES = 8_388_608;

interface Watcher {
  readonly events: FilesystemEvent[];
  bytes: number;
  readonly end: () => Promise<void>;
}

/** The watchers of a sandbox that are asked for their events. */
export class Watchers {
  readonly #guest: GuestProgram;
  readonly #watchers = new Map<string, Watcher>();

  constructor(guest: GuestProgram) {
    this.#guest = guest;
  }

  /** Begins one; returns its id. */
  async create(fields: Readonly<Record<string, unknown>>): Promise<string> {
    if (this.#watchers.size >= MAX_WATCHERS) throw new ConnectError("resource_exhausted", "too many watchers");
    const id = `w${randomBytes(8).toString("hex")}`;
    const kept: Omit<Watcher, "end"> = { events: [], bytes: 0 };
    const end = await this.#guest.watch(fields, (line) => {
      if (line === null) return void this.#watchers.delete(id);
      if (kept.events.length >= MAX_EVENTS || kept.bytes >= MAX_EVENT_BYTES) return;
      const event = readEvent(line);
      kept.events.push(event);
      kept.bytes += JSON.stringify(event).length;
    });
    this.#watchers.set(id, Object.assign(kept, { end }));
    return id;
  }

  /** The events since the last question. Throws not_found. */
  async take(id: string): Promise<readonly FilesystemEvent[]> {
    const watcher = this.#find(id);
    await this.#guest.ask("drain");
    watcher.bytes = 0;
    return watcher.events.splice(0);
  }

  /** Throws not_found. */
  async remove(id: string): Promise<void> {
    const watcher = this.#find(id);
    this.#watchers.delete(id);
    await watcher.end();
  }

  close(): void {
    this.#watchers.clear();
  }

  #find(id: string): Watcher {
    const watcher = this.#watchers.get(id);
    if (watcher) return watcher;
    throw new ConnectError("not_found", `watcher with id ${id} not found`);
  }
}

/** An event in a line of the guest's program. */
export function readEvent(line: GuestLine): FilesystemEvent {
  const entry = readEntry(line);
  return { name: wordIn(line["name"] ?? ""), type: `EVENT_TYPE_${wordIn(line["kind"])}`, ...(entry && { entry }) };
}
