import { join } from "node:path";

import type { Presence } from "../../backend/backend.js";
import type { SnapshotHandle, SnapshotOptions } from "../../backend/snapshot.js";
import { PyroError } from "../../contract/errors.js";
import type { EnvironmentCache } from "../../environments/cache.js";
import { mkdir, readdir, rename, rm, syncDirectory, syncTree } from "../../host/files.js";
import { copyTree } from "../../host/copy-tree.js";
import type { Log } from "../../host/log.js";
import { newTemporaryName, sweepTemporaries } from "../../host/temporary.js";
import { explainReading } from "../../store/record.js";
import { nameTaken, noSnapshot, unreadableSnapshot } from "./errors.js";
import { buildRecord, type NewSnapshot } from "./new-record.js";
import { endUses, whileUsed } from "./uses.js";
import {
  isSnapshotId,
  newSnapshotId,
  readSnapshotRecord,
  writeSnapshotRecord,
  type SnapshotRecord,
} from "../../store/snapshot-record.js";

export type { NewSnapshot } from "./new-record.js";

/** A snapshot that a machine can start from. */
export interface Snapshot {
  readonly record: SnapshotRecord;
  readonly directory: string;
  /** The files in which core keeps the state of the task. */
  readonly taskPath: string;
  /** Resolves when its files are whole; null for one that exists. */
  readonly whole: Promise<unknown> | null;
  /** Works that need its files. */
  readonly uses: Set<Promise<unknown>>;
  /** Called and awaited when it is deleted. */
  readonly onDelete: (() => Promise<void>)[];
}

export interface NewSnapshotOptions extends Omit<SnapshotOptions, "onBegun"> {
  /** Writes core's state of the task into the snapshot, when the machine runs again. */
  readonly fill?: (directory: string) => Promise<void>;
}

export interface SnapshotsOptions {
  readonly homePath: string;
  readonly environments: Pick<EnvironmentCache, "hold">;
  readonly log: Log;
}

interface Entry {
  readonly snapshot: Snapshot;
  readonly release: () => void;
}

/** The snapshots of one home. Each protects its environment, and so its template, from pruning. This daemon is their only writer. */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #path: string;
  readonly #entries = new Map<string, Entry>();
  readonly #unreadable = new Map<string, string>();
  /** Names of snapshots that are being made. */
  readonly #namesUnderWay = new Set<string>();

  private constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#path = join(options.homePath, "snapshots");
  }

  /** Reads every snapshot, and removes unfinished and partly removed ones. */
  static async open(options: SnapshotsOptions): Promise<Snapshots> {
    const snapshots = new Snapshots(options);
    await mkdir(snapshots.#path, { recursive: true, mode: 0o700 });
    await sweepTemporaries(snapshots.#path);
    for (const name of await readdir(snapshots.#path)) {
      if (isSnapshotId(name)) await snapshots.#load(name);
    }
    return snapshots;
  }

  /** The snapshots of tasks, the oldest first. */
  list(): readonly Snapshot[] {
    return this.#all().filter(({ record }) => record.saved_as === null && record.setup_key === null);
  }

  /** Those that are environments, the oldest first. */
  listSaved(): readonly Snapshot[] {
    return this.#all().filter(({ record }) => record.saved_as !== null);
  }

  /** The results of setups, the oldest first. */
  listSetups(): readonly Snapshot[] {
    return this.#all().filter(({ record }) => record.setup_key !== null);
  }

  /** The snapshot that is the environment of this name; null when there is none. */
  findSaved(environment: string): Snapshot | null {
    return this.listSaved().find(({ record }) => record.saved_as === environment) ?? null;
  }

  /** Snapshots whose record cannot be read, by id, with the reason. */
  get unreadable(): ReadonlyMap<string, string> {
    return this.#unreadable;
  }

  #all(): Snapshot[] {
    const all = [...this.#entries.values()].map(({ snapshot }) => snapshot);
    return all.sort((a, b) => a.record.created_at.localeCompare(b.record.created_at));
  }

  /** By id or by name. Throws NOT_FOUND, or FAILED_PRECONDITION for one that cannot be read. */
  get(reference: string): Snapshot {
    const found = this.#entries.get(reference)?.snapshot ?? this.list().find(({ record }) => record.name === reference);
    if (found) return found;
    const damage = this.#unreadable.get(reference);
    if (damage !== undefined) throw unreadableSnapshot(reference, damage);
    throw noSnapshot(reference);
  }

  /** Makes a snapshot, durably: it exists whole or not at all. Throws ALREADY_EXISTS for a name that is taken. */
  async create(machine: Presence, about: NewSnapshot, options: NewSnapshotOptions): Promise<Snapshot> {
    const { name } = about;
    if (name !== null && (this.#namesUnderWay.has(name) || this.#hasName(name))) throw nameTaken(name);
    if (name !== null) this.#namesUnderWay.add(name);
    try {
      return await this.#inDraft(machine, about, options, (draft) => this.#publish(draft, options.signal));
    } finally {
      if (name !== null) this.#namesUnderWay.delete(name);
    }
  }

  /** Makes an environment of a snapshot, with files of its own: neither needs the other. */
  async saveAs(snapshot: Snapshot, environment: string, signal: AbortSignal): Promise<Snapshot> {
    const directory = join(this.#path, newTemporaryName());
    try {
      await whileUsed(snapshot, () => copyTree(snapshot.directory, directory));
      const about = { snapshot_id: newSnapshotId(), name: null, parent: snapshot.record.snapshot_id };
      const record = { ...snapshot.record, ...about, saved_as: environment, created_at: new Date().toISOString() };
      return await this.#publish(snapshotIn(directory, record), signal);
    } catch (error) {
      throw PyroError.from(error);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #publish(draft: Snapshot, signal: AbortSignal): Promise<Snapshot> {
    const directory = join(this.#path, draft.record.snapshot_id);
    await syncTree(draft.directory);
    await writeSnapshotRecord(draft.directory, draft.record);
    signal.throwIfAborted();
    await rename(draft.directory, directory);
    await syncDirectory(this.#path);
    return this.#add(snapshotIn(directory, draft.record));
  }

  /**
   * Makes a snapshot for one use: it is neither listed nor synced, and is removed when the use ends. With `isForOne`, a single machine
   * starts from it, and the use begins before it is `whole`.
   */
  passing<T>(
    machine: Presence,
    about: NewSnapshot,
    { isForOne = false, ...options }: NewSnapshotOptions & { readonly isForOne?: boolean },
    use: (snapshot: Snapshot) => Promise<T>,
  ): Promise<T> {
    return this.#inDraft(machine, about, options, use, isForOne);
  }

  /** Removes a snapshot; machines that started from it are not touched. Waits for those that are starting. Throws NOT_FOUND. */
  async delete(snapshotId: string): Promise<void> {
    if (!this.#unreadable.delete(snapshotId)) {
      this.get(snapshotId);
      const entry = this.#entries.get(snapshotId);
      if (!entry) throw new PyroError("INVALID_ARGUMENT", "A snapshot is deleted by its id.");
      this.#entries.delete(snapshotId);
      await endUses(entry.snapshot);
      await Promise.all(entry.snapshot.onDelete.map((act) => act()));
      entry.release();
    }
    const leaving = join(this.#path, newTemporaryName());
    await rename(join(this.#path, snapshotId), leaving);
    await syncDirectory(this.#path);
    await rm(leaving, { recursive: true, force: true });
  }

  #hasName(name: string): boolean {
    return this.list().some(({ record }) => record.name === name);
  }

  #add(snapshot: Snapshot): Snapshot {
    const release = this.#options.environments.hold(snapshot.record.environment_digest);
    this.#entries.set(snapshot.record.snapshot_id, { snapshot, release });
    return snapshot;
  }

  /** Makes a snapshot in a temporary directory, which is removed after `use` unless `use` has renamed it. */
  async #inDraft<T>(
    machine: Presence,
    about: NewSnapshot,
    { fill, ...options }: NewSnapshotOptions,
    use: (draft: Snapshot) => Promise<T>,
    isEarly = false,
  ): Promise<T> {
    const directory = join(this.#path, newTemporaryName());
    await mkdir(directory, { mode: 0o700 });
    const uses: Promise<T>[] = [];
    let isLeftPaused = false;
    const begin = (handle: SnapshotHandle) => {
      const made = { handle, memoryBytes: 0, diskBytes: 0, pauseMs: 0 };
      const using = use({ ...snapshotIn(directory, buildRecord(machine, about, made)), whole: making });
      using.catch(() => {});
      uses.push(using);
    };
    const make = async () => {
      const made = await machine.snapshot(directory, { ...options, ...(isEarly && { onBegun: begin }) });
      isLeftPaused = options.resumes === false;
      const draft = snapshotIn(directory, buildRecord(machine, about, made));
      await mkdir(draft.taskPath, { mode: 0o700 });
      await fill?.(draft.taskPath);
      return draft;
    };
    // In a later step, as `begin` needs it.
    const making = Promise.resolve().then(make);
    try {
      const draft = await making;
      return await (uses[0] ?? use(draft));
    } catch (error) {
      // Not awaited: a paused VM does not answer.
      if (isLeftPaused) machine.proceed().catch(() => {});
      throw PyroError.from(error);
    } finally {
      await Promise.allSettled(uses);
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #load(name: string): Promise<void> {
    const directory = join(this.#path, name);
    const reading = await readSnapshotRecord(directory);
    if (reading.kind === "record") return void this.#add(snapshotIn(directory, reading.record));
    const reason = explainReading(reading) ?? "its record is damaged";
    this.#unreadable.set(name, reason);
    this.#options.log.warn({ snapshot: name, reason }, "a snapshot cannot be read");
  }
}

function snapshotIn(directory: string, record: SnapshotRecord): Snapshot {
  return { record, directory, taskPath: join(directory, "task"), whole: null, uses: new Set(), onDelete: [] };
}
