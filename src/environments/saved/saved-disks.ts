import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { sha256OfFile } from "../../host/digest.js";
import { chmod, mkdir, readdir, rename, rm, stat, syncDirectory, syncTree } from "../../host/files.js";
import type { Log } from "../../host/log.js";
import { isTemporaryName, newTemporaryName, sweepTemporaries } from "../../host/temporary.js";
import { type BuiltName, type BuiltNames, lastKeyOf } from "./built-names.js";
import { findQcow2Problem } from "./qcow2.js";
import {
  digestOfSaved,
  directoryNameOf,
  isDirectoryOf,
  readSavedRecord,
  savedFiles,
  type SavedRecord,
  writeSavedRecord,
} from "./record.js";

const MIB = 1_048_576;
const READ_ONLY = 0o444;

/** An environment that is the disk of a task, over the environment of that task. */
export interface SavedDisk {
  readonly record: SavedRecord;
  readonly digest: string;
  readonly directory: string;
  readonly diskPath: string;
}

/** The facts of a disk before it is saved. */
export type NewSavedDisk = Omit<SavedRecord, "format" | "created_at" | "disk">;

/** The disks that were saved as environments in one home. This daemon is their only writer. */
export class SavedDisks {
  readonly #path: string;
  /** Null in a home without builds. */
  readonly built: BuiltNames | null;
  readonly #byName = new Map<string, SavedDisk>();
  /** The environment below each disk, by the digest of both. Stays when a disk is removed: a task may still use that environment. */
  readonly #below = new Map<string, string>();
  readonly #damaged: string[] = [];

  private constructor(path: string, built: BuiltNames | null) {
    this.#path = path;
    this.built = built;
  }

  /** Reads every disk, and removes unfinished ones. One that cannot be read stays, and is listed as damaged. */
  static async open(path: string, log?: Log, built: BuiltNames | null = null): Promise<SavedDisks> {
    const disks = new SavedDisks(path, built);
    await mkdir(path, { recursive: true, mode: 0o700 });
    await sweepTemporaries(path);
    for (const name of await readdir(path)) {
      if (isTemporaryName(name)) continue;
      const directory = join(path, name);
      const record = await readSavedRecord(directory);
      if (record !== null && isDirectoryOf(record.name, name)) disks.#add(record, directory);
      else disks.#damaged.push(name);
    }
    if (disks.#damaged.length > 0) log?.warn({ names: disks.#damaged }, "saved environments cannot be read");
    return disks;
  }

  /** The environments, the oldest first: saved disks, and results of builds that have a name. */
  list(): readonly SavedDisk[] {
    const named = (this.built?.list() ?? []).flatMap((built) => this.#resultOf(built) ?? []);
    return byAge([...[...this.#byName.values()].filter(({ record }) => record.step_key === undefined), ...named]);
  }

  /** The results of the steps of builds, the oldest first. */
  steps(): readonly SavedDisk[] {
    return byAge([...this.#byName.values()].filter(({ record }) => record.step_key !== undefined));
  }

  /** The result of a step. */
  findStep(key: string): SavedDisk | null {
    return this.#byName.get(stepName(key)) ?? null;
  }

  /** The names of disks whose record cannot be read. */
  get damaged(): readonly string[] {
    return this.#damaged.map((directory) => directory.replace("@", ":"));
  }

  find(name: string): SavedDisk | null {
    const built = this.built?.find(name) ?? null;
    return this.#byName.get(name) ?? (built && this.#resultOf(built));
  }

  /** The disk of a build's last step, under the name of the build; null when it is gone. */
  #resultOf(built: BuiltName): SavedDisk | null {
    const disk = this.findStep(lastKeyOf(built));
    if (disk === null) return null;
    const { step_key: _, ...record } = disk.record;
    const { name, created_at, config } = built;
    return { ...disk, record: { ...record, name, created_at, config } };
  }

  /** The digest of the environment below a disk; the given digest if it is not a saved disk. */
  below(digest: string): string {
    return this.#below.get(digest) ?? digest;
  }

  /** Saves a disk, durably: it exists whole or not at all. `fill` writes the image to a path. */
  async save(about: NewSavedDisk, fill: (path: string) => Promise<void>, signal: AbortSignal): Promise<SavedDisk> {
    return this.#inDraft(
      about.name,
      async (draft) => {
        const path = join(draft, savedFiles.disk);
        await fill(path);
        const problem = await findQcow2Problem(path, about.disk_mib * MIB);
        if (problem !== null) throw new PyroError("INTERNAL", `The disk could not be saved: ${problem}.`);
        const disk = { size_bytes: (await stat(path)).size, sha256: await sha256OfFile(path, signal) };
        return { format: 1, ...about, created_at: new Date().toISOString(), disk };
      },
      signal,
    );
  }

  /** Keeps a disk from another home, with its record. Throws ENVIRONMENT_CORRUPT when they do not match. */
  async keep(record: SavedRecord, fill: (path: string) => Promise<void>, signal: AbortSignal): Promise<SavedDisk> {
    return this.#inDraft(
      record.name,
      async (draft) => {
        const path = join(draft, savedFiles.disk);
        await fill(path);
        const problem =
          (await findQcow2Problem(path, record.disk_mib * MIB)) ??
          ((await sha256OfFile(path, signal)) === record.disk.sha256 ? null : "its digest is not the recorded one");
        if (problem === null) return record;
        throw new PyroError("ENVIRONMENT_CORRUPT", `The disk of the environment cannot be used: ${problem}.`, {
          hint: "Export it again.",
          details: { environment: record.name, reason: problem },
        });
      },
      signal,
    );
  }

  /** Checks the bytes of a disk. Throws ENVIRONMENT_CORRUPT. */
  async verify({ record, diskPath }: SavedDisk, signal?: AbortSignal): Promise<void> {
    const digest = await sha256OfFile(diskPath, signal).catch(() => null);
    if (digest === record.disk.sha256) return;
    throw new PyroError("ENVIRONMENT_CORRUPT", `The disk of environment ${record.name} is damaged.`, {
      hint: `Remove it with \`pyro env remove ${record.name}\`, and save or import it again.`,
      details: { environment: record.name },
    });
  }

  /** Removes a disk by its name, or the directory of a damaged one. */
  async remove(name: string): Promise<void> {
    this.#byName.delete(name);
    const directory = directoryNameOf(name);
    const damaged = this.#damaged.indexOf(directory);
    if (damaged !== -1) this.#damaged.splice(damaged, 1);
    const leaving = join(this.#path, newTemporaryName());
    await rename(join(this.#path, directory), leaving);
    await syncDirectory(this.#path);
    await rm(leaving, { recursive: true, force: true });
  }

  async #inDraft(name: string, make: (draft: string) => Promise<SavedRecord>, signal: AbortSignal): Promise<SavedDisk> {
    const directory = join(this.#path, directoryNameOf(name));
    const draft = join(this.#path, newTemporaryName());
    await mkdir(draft, { mode: 0o755 });
    try {
      const record = await make(draft);
      await chmod(join(draft, savedFiles.disk), READ_ONLY);
      await syncTree(draft);
      await writeSavedRecord(draft, record);
      signal.throwIfAborted();
      await rename(draft, directory);
      await syncDirectory(this.#path);
      return this.#add(record, directory);
    } catch (error) {
      throw PyroError.from(error);
    } finally {
      await rm(draft, { recursive: true, force: true });
    }
  }

  #add(record: SavedRecord, directory: string): SavedDisk {
    const digest = digestOfSaved(record);
    const disk = { record, digest, directory, diskPath: join(directory, savedFiles.disk) };
    this.#byName.set(record.name, disk);
    this.#below.set(digest, record.environment_digest);
    return disk;
  }
}

/** The name of a step's result among the saved disks. */
export function stepName(key: string): string {
  return `build-step.${key.slice(0, 40)}`;
}

function byAge(disks: readonly SavedDisk[]): SavedDisk[] {
  return disks.toSorted((a, b) => a.record.created_at.localeCompare(b.record.created_at));
}
