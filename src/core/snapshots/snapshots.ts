import { join } from "node:path";

import type { Presence } from "../../backend/backend.js";
import type { MachineSnapshot, SnapshotOptions } from "../../backend/snapshot.js";
import { PyroError } from "../../contract/errors.js";
import type { EnvironmentCache } from "../../environments/cache.js";
import { mkdir, readdir, rename, rm, syncDirectory, syncTree } from "../../host/files.js";
import type { Log } from "../../host/log.js";
import { newTemporaryName, sweepTemporaries } from "../../host/temporary.js";
import { explainReading } from "../../store/record.js";
import {
  isSnapshotId,
  newSnapshotId,
  readSnapshotRecord,
  writeSnapshotRecord,
  type SnapshotRecord,
} from "../../store/snapshot-record.js";

/** A snapshot that a machine can start from. */
export interface Snapshot {
  readonly record: SnapshotRecord;
  readonly directory: string;
  /** What core keeps of the task. */
  readonly taskPath: string;
  /** Machines that are starting from it. */
  readonly uses: Set<Promise<unknown>>;
  /** Called and awaited when it is deleted. */
  readonly onDelete: (() => Promise<void>)[];
}

/** What core knows of a new snapshot. */
export type NewSnapshot = Pick<
  SnapshotRecord,
  "name" | "task_id" | "parent" | "environment" | "environment_digest" | "vcpu_count" | "mem_mib" | "disk_mib"
>;

export interface NewSnapshotOptions extends SnapshotOptions {
  /** Adds what core keeps of the task, into a directory of its own, when the machine runs again. */
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

/** Does something with a snapshot, which is not removed meanwhile. */
export async function whileUsed<T>({ uses }: Snapshot, use: () => Promise<T>): Promise<T> {
  const using = use();
  const settled = using.catch(() => {});
  uses.add(settled);
  try {
    return await using;
  } finally {
    uses.delete(settled);
  }
}

/** The snapshots of one home. Each holds its environment, and so its template, against pruning. This daemon is their only writer. */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #path: string;
  readonly #entries = new Map<string, Entry>();
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

  list(): readonly Snapshot[] {
    const all = [...this.#entries.values()].map(({ snapshot }) => snapshot);
    return all.sort((a, b) => a.record.created_at.localeCompare(b.record.created_at));
  }

  /** By id or by name. Throws NOT_FOUND. */
  get(reference: string): Snapshot {
    const found = this.#entries.get(reference)?.snapshot ?? this.list().find(({ record }) => record.name === reference);
    if (found) return found;
    throw new PyroError("NOT_FOUND", `There is no snapshot ${reference}.`, {
      hint: "See `pyro task snapshot list`.",
      details: { snapshot: reference.slice(0, 128) },
    });
  }

  /** Makes a snapshot, durably: it exists whole or not at all. Throws ALREADY_EXISTS for a name that is taken. */
  async create(machine: Presence, about: NewSnapshot, options: NewSnapshotOptions): Promise<Snapshot> {
    const { name } = about;
    if (name !== null && (this.#namesUnderWay.has(name) || this.#hasName(name))) throw nameTaken(name);
    if (name !== null) this.#namesUnderWay.add(name);
    try {
      return await this.#inDraft(machine, about, options, async (draft) => {
        const { snapshot_id: snapshotId } = draft.record;
        const directory = join(this.#path, snapshotId);
        await syncTree(draft.directory);
        await writeSnapshotRecord(draft.directory, draft.record);
        options.signal.throwIfAborted();
        await rename(draft.directory, directory);
        await syncDirectory(this.#path);
        return this.#add(snapshotIn(directory, draft.record));
      });
    } finally {
      if (name !== null) this.#namesUnderWay.delete(name);
    }
  }

  /** Makes a snapshot for one use: it is neither listed nor synced, and is removed when the use ends. */
  passing<T>(
    machine: Presence,
    about: NewSnapshot,
    options: NewSnapshotOptions,
    use: (snapshot: Snapshot) => Promise<T>,
  ): Promise<T> {
    return this.#inDraft(machine, about, options, use);
  }

  /** Removes a snapshot; machines that started from it are not touched. Waits for those that are starting. Throws NOT_FOUND. */
  async delete(snapshotId: string): Promise<void> {
    this.get(snapshotId);
    const entry = this.#entries.get(snapshotId);
    if (!entry) throw new PyroError("INVALID_ARGUMENT", "A snapshot is deleted by its id.");
    this.#entries.delete(snapshotId);
    await Promise.all(entry.snapshot.uses);
    await Promise.all(entry.snapshot.onDelete.map((act) => act()));
    entry.release();
    const leaving = join(this.#path, newTemporaryName());
    await rename(entry.snapshot.directory, leaving);
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
  ): Promise<T> {
    const directory = join(this.#path, newTemporaryName());
    await mkdir(directory, { mode: 0o700 });
    let isLeftPaused = false;
    try {
      const made = await machine.snapshot(directory, options);
      isLeftPaused = options.resumes === false;
      const draft = snapshotIn(directory, buildRecord(machine, about, made));
      await mkdir(draft.taskPath, { mode: 0o700 });
      await fill?.(draft.taskPath);
      return await use(draft);
    } catch (error) {
      // Not awaited: a VM that stands still does not answer.
      if (isLeftPaused) machine.proceed().catch(() => {});
      throw PyroError.from(error);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #load(name: string): Promise<void> {
    const directory = join(this.#path, name);
    const reading = await readSnapshotRecord(directory);
    if (reading.kind === "record") this.#add(snapshotIn(directory, reading.record));
    else this.#options.log.warn({ snapshot: name, reason: explainReading(reading) }, "a snapshot cannot be read");
  }
}

function snapshotIn(directory: string, record: SnapshotRecord): Snapshot {
  return { record, directory, taskPath: join(directory, "task"), uses: new Set(), onDelete: [] };
}

function buildRecord(machine: Presence, about: NewSnapshot, made: MachineSnapshot): SnapshotRecord {
  return {
    format: 1,
    snapshot_id: newSnapshotId(),
    ...about,
    created_at: new Date().toISOString(),
    network: copyRequest(machine.networkRequest),
    execution_mode: machine.executionMode,
    accelerator: machine.accelerator,
    memory_bytes: made.memoryBytes,
    disk_bytes: made.diskBytes,
    pause_ms: Math.round(made.pauseMs),
    machine: { ...made.handle },
  };
}

function copyRequest(request: Presence["networkRequest"]): SnapshotRecord["network"] {
  if (request === null) return null;
  const { allow, allowHosts, hostEnv, hostCaFiles } = request;
  const files = hostCaFiles && [...hostCaFiles];
  return { allow: [...allow], allowHosts: [...allowHosts], hostEnv: { ...hostEnv }, hostCaFiles: files };
}

function nameTaken(name: string): PyroError {
  return new PyroError("ALREADY_EXISTS", `The name ${name} is taken by another snapshot.`, {
    hint: "Choose another name, or delete that snapshot.",
    details: { name },
  });
}
