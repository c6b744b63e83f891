import { dirname, join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { readFile } from "../../host/files.js";
import type { EnvironmentCache, InstalledEnvironment, PruneReport } from "../cache.js";
import { manifestFile } from "../layout.js";
import { type Manifest, parseManifest } from "../manifest.js";
import { findRecipe } from "../resolve.js";
import { diskUsageBytes } from "../../host/disk.js";
import type { SavedDisk, SavedDisks } from "./saved-disks.js";
import { BuildSteps, type RemoveDisk } from "./build-steps.js";

/** The environments of a home: built ones, and saved disks of tasks. */
export interface Environments extends EnvironmentCache {
  readonly saved: SavedDisks;
  /** Throws ENVIRONMENT_UNKNOWN for a name that is neither a recipe's nor a saved disk's. */
  assertKnown(name: string): void;
  /** The results of the steps of builds. */
  readonly steps: BuildSteps;
  /** Makes a new disk hold the environment below it. */
  keepBelow(disk: SavedDisk): void;
}

/** Adds saved disks to a cache. Each disk holds the environment below it while it exists, and so does each use of the disk. */
export function withSaved(cache: EnvironmentCache, saved: SavedDisks): Environments {
  const releases = new Map<string, () => void>();

  const hold = (digest: string) => {
    const below = saved.below(digest);
    const held = [cache.hold(digest), ...(below === digest ? [] : [cache.hold(below)])];
    return () => held.forEach((release) => release());
  };

  const keepBelow = ({ record }: SavedDisk) => {
    releases.get(record.name)?.();
    releases.set(record.name, cache.hold(record.environment_digest));
  };

  const acquire = async (name: string) => {
    const disk = saved.find(name);
    if (disk === null) return cache.acquire(name);
    const release = hold(disk.digest);
    try {
      return { environment: await describe(cache, disk), release };
    } catch (error) {
      release();
      throw error;
    }
  };

  const removeDisk = async (disk: SavedDisk, mayLeave: () => boolean) => {
    const { name } = disk.record;
    const freedBytes = await diskUsageBytes(disk.directory);
    // From here to the removal of the name nothing waits, so that no caller can begin to use the disk.
    if (!mayLeave()) return null;
    const release = releases.get(name);
    releases.delete(name);
    await saved.remove(name).finally(() => release?.());
    return freedBytes;
  };
  const steps = new BuildSteps(saved, (digest) => cache.isHeld(digest), removeDisk);

  for (const disk of [...saved.list(), ...saved.steps()]) keepBelow(disk);
  return {
    ...cache,
    saved,
    steps,
    keepBelow,
    hold,
    acquire,
    assertKnown: (name) => {
      if (saved.find(name) === null) findRecipe(name);
    },
    filesOf: (digest) => cache.filesOf(saved.below(digest)),
    find: async (name) => {
      const acquired = await acquire(name);
      acquired?.release();
      return acquired?.environment ?? null;
    },
    pull: async (name, options) => {
      const disk = saved.find(name);
      if (disk === null) return cache.pull(name, options);
      await saved.verify(disk, options.signal);
      return { environment: await describe(cache, disk), built: false, repaired: false, registryChecked: null };
    },
    remove: async (name) => {
      const removed = await removeSaved({ cache, saved, steps, removeDisk }, name);
      if (removed !== null) return removed;
      const digest = (await cache.find(name).catch(() => null))?.digest;
      assertNotBelow(saved, name, digest);
      if (digest !== undefined) await steps.removeOver(digest);
      return cache.remove(name);
    },
    // The results of steps hold environments, so they go first.
    prune: async (dryRun) => withKept(saved, await steps.sweep(0, dryRun), await cache.prune(dryRun)),
  };
}

function withKept(saved: SavedDisks, swept: Omit<PruneReport, "kept">, report: PruneReport): PruneReport {
  const kept = saved.list().map(({ record }) => ({ name: record.name, reason: "saved; `pyro env remove` removes it" }));
  return {
    removed: [...swept.removed, ...report.removed],
    kept: [...report.kept, ...kept],
    freedBytes: report.freedBytes + swept.freedBytes,
  };
}

interface Removal {
  readonly cache: EnvironmentCache;
  readonly saved: SavedDisks;
  readonly steps: BuildSteps;
  readonly removeDisk: RemoveDisk;
}

/** Null for a name of neither a saved disk nor a build. */
async function removeSaved({ cache, saved, steps, removeDisk }: Removal, name: string) {
  const disk = saved.find(name);
  const built = saved.built?.find(name) ?? null;
  if (disk !== null && cache.isHeld(disk.digest)) throw inUse(disk);
  if (built !== null) return { digest: disk?.digest ?? null, freedBytes: await steps.forget(built) };
  if (disk !== null) {
    const freedBytes = await removeDisk(disk, () => saved.find(name) === disk && !cache.isHeld(disk.digest));
    if (freedBytes !== null) return { digest: disk.digest, freedBytes };
    if (saved.find(name) === disk) throw inUse(disk);
  }
  if (!saved.damaged.includes(name)) return null;
  await saved.remove(name);
  return { digest: null, freedBytes: 0 };
}

function inUse({ record: { name } }: SavedDisk): PyroError {
  return new PyroError("FAILED_PRECONDITION", `The environment ${name} is in use.`, {
    hint: "Delete the tasks, VMs and snapshots that use it, then remove it.",
    details: { environment: name },
  });
}

function assertNotBelow(saved: SavedDisks, environment: string, digest: string | undefined): void {
  const needed_by = saved.list().flatMap(({ record }) => (record.environment_digest === digest ? [record.name] : []));
  if (needed_by.length === 0) return;
  throw new PyroError("FAILED_PRECONDITION", `The environment ${environment} is the base of ${needed_by.join(", ")}.`, {
    hint: "Remove these environments first.",
    details: { environment, needed_by },
  });
}

/** The manifest of a content; null when it is gone. */
export async function readManifestBelow(
  cache: Pick<EnvironmentCache, "filesOf">,
  digest: string,
): Promise<Manifest | null> {
  const path = join(dirname(cache.filesOf(digest).rootPath), manifestFile);
  return parseManifest(await readFile(path, "utf8").catch(() => ""));
}

/** The image configuration of an environment that is built from packages: empty. */
const noImage = { digest: "", env: [], working_dir: "/", user: "root", entrypoint: [], command: [] };

/** The environment below a disk, with the disk's name and the disk. Throws ENVIRONMENT_CORRUPT when it is gone. */
async function describe(cache: EnvironmentCache, disk: SavedDisk): Promise<InstalledEnvironment> {
  const { record, digest, diskPath } = disk;
  const files = cache.filesOf(record.environment_digest);
  const directory = dirname(files.rootPath);
  const manifest = await readManifestBelow(cache, record.environment_digest);
  if (manifest === null) {
    throw new PyroError(
      "ENVIRONMENT_CORRUPT",
      `The files of ${record.environment}, the base of ${record.name}, are gone.`,
      {
        hint: "Import the environment again, or remove it.",
        details: { environment: record.name, reason: "the environment below it is gone" },
      },
    );
  }
  const description = `Disk of a task of ${record.environment}`;
  const recipe = { kind: "rootfs", architecture: "amd64", version: manifest.version, path: diskPath } as const;
  return {
    ...files,
    ...{ recipe: { ...recipe, name: record.name, description }, digest, directory },
    manifest: record.config ? { ...manifest, image: { ...(manifest.image ?? noImage), ...record.config } } : manifest,
    ...{ pulledAt: record.created_at, movedTo: null, savedDisk: { path: diskPath, diskMib: record.disk_mib } },
  };
}
