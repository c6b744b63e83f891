import { join } from "node:path";

import type { Log } from "../host/log.js";
import { SharedWork, type Follower } from "../host/shared-work.js";
import { acquireEnvironment } from "./acquire.js";
import { Holds } from "./holds.js";
import { removeBuild } from "./install.js";
import { type EnvironmentFiles, listNames, type InstalledEnvironment } from "./installed.js";
import { Kernels } from "./kernels.js";
import { contentPath, listPaths, makeLayout, type Layout } from "./layout.js";
import { neededLayers, pruneContents, type PruneReport } from "./prune.js";
import { Recognition } from "./recognition.js";
import { type PullOutcome, type PullRequest, pullEnvironment } from "./pull.js";
import { removeEnvironment } from "./remove.js";
import { BlobCache } from "./registry/blobs.js";
import { findRecipe, isReference } from "./resolve.js";
import { environmentFiles, type EnvironmentSource, type PullProgress } from "./source.js";

export type { EnvironmentFiles, InstalledEnvironment } from "./installed.js";
export type { PruneReport } from "./prune.js";

/** The environments of one PYRO_HOME. The daemon is its only writer. */
export interface EnvironmentCache {
  /** One phrase on where environments come from. */
  readonly sourceDescription: string;
  /** Throws HOST_NOT_ABLE when none can be built here. */
  assertAbleToBuild(): Promise<void>;
  /**
   * The environment as installed, or null. Cheap while sizes and times are as recorded. When the times differ, as in a copied or restored
   * home, the digests decide, and the new times are recorded. Throws ENVIRONMENT_CORRUPT when a file is missing or was changed.
   */
  find(name: string): Promise<InstalledEnvironment | null>;
  /** As find, and protects the environment from pruning until the release is called. */
  acquire(name: string): Promise<{ environment: InstalledEnvironment; release: () => void } | null>;
  /**
   * Builds it when it is missing or `rebuild` is set; otherwise checks its digests, and replaces it when they differ.
   * An image of a registry is compared with it; `update` takes what the tag names now.
   * Two pulls of one name at once share the build; it is cancelled when the last of them is.
   */
  pull(name: string, request: PullRequest): Promise<PullOutcome>;
  /** The references of installed environments that are not in the catalog, in order. */
  listReferences(): Promise<string[]>;
  /** Removes an installed environment. Throws ENVIRONMENT_UNKNOWN when it is not installed, FAILED_PRECONDITION while it is held. */
  remove(name: string): Promise<{ digest: string | null; freedBytes: number }>;
  /** Keeps an environment from being pruned until the release is called. */
  hold(digest: string): () => void;
  isHeld(digest: string): boolean;
  /** The path of a content's root image, without a check: for a VM whose content is held. */
  filesOf(digest: string): EnvironmentFiles;
  /** Removes every environment that is not held, contents without a name, and leftovers. A dry run only lists them. */
  prune(dryRun?: boolean): Promise<PruneReport>;
}

export interface EnvironmentCacheOptions {
  /** Created if it is missing. */
  readonly directory: string;
  readonly source: EnvironmentSource;
  readonly log?: Log;
}

/** Opens the cache. Removes leftovers of killed builds in the background; pulls and prunes wait for that, finding does not. */
export async function openEnvironmentCache(options: EnvironmentCacheOptions): Promise<EnvironmentCache> {
  const layout = await makeLayout(options.directory);
  return makeCache(layout, removeStale(await listPaths(layout.temporary), options), options);
}

async function removeStale(paths: readonly string[], { source, log }: EnvironmentCacheOptions): Promise<void> {
  for (const path of paths) {
    log?.info({ path }, "removing the leftovers of a killed pull");
    await removeBuild(source, path).catch((error: unknown) => log?.warn({ path, error: String(error) }, "it stays"));
  }
}

function makeCache(layout: Layout, cleaned: Promise<void>, { source, log }: EnvironmentCacheOptions): EnvironmentCache {
  const holds = new Holds();
  const building = new Set<string>();
  const recognition = new Recognition(layout, log);
  const blobs = new BlobCache(layout.blobs);
  const place = { layout, source, holds, building, blobs, log };
  const pulls = new SharedWork<PullOutcome, PullProgress>();

  const acquire = (name: string) => acquireEnvironment({ layout, holds, recognition }, findRecipe(name));
  const kernels = new Kernels({ ...place, acquire });
  const takeKernel = (isRebuild: boolean) => (follower: Follower<PullProgress>) => kernels.take(isRebuild, follower);

  const pullNamed = (name: string, request: PullRequest): Promise<PullOutcome> => {
    const recipe = findRecipe(name);
    const work = async (listener: Follower<PullProgress>) => {
      await cleaned;
      const following = { ...request, ...listener, onProgress: neverFalling(listener.onProgress) };
      return pullEnvironment({ ...place, takeKernel }, recipe, following);
    };
    const kind = [request.rebuild, request.update, request.plainHttp].map(Boolean).join(" ");
    return pulls.join(`${recipe.name} ${kind}`, request, work, recipe.name);
  };

  return {
    sourceDescription: source.description,
    assertAbleToBuild: () => source.assertAble(),
    acquire,
    find: async (name) => {
      const held = await acquire(name);
      held?.release();
      return held?.environment ?? null;
    },
    pull: async (name, request) => pullNamed(name, request),
    listReferences: async () => (await listNames(layout)).filter(isReference).sort(),
    remove: async (name) => {
      await cleaned;
      const removed = await removeEnvironment(layout, holds, findRecipe(name).name);
      const { freedBytes } = await blobs.sweep(await neededLayers(layout), false);
      return { ...removed, freedBytes: removed.freedBytes + freedBytes };
    },
    hold: (digest) => holds.hold(digest),
    isHeld: (digest) => holds.isHeld(digest),
    filesOf: (digest) => filesIn(contentPath(layout, digest)),
    prune: async (dryRun = false) => {
      await cleaned;
      return pruneContents({ layout, holds, source, blobs, kernels, dryRun, isBuilding: (path) => building.has(path) });
    },
  };
}

function filesIn(directory: string): EnvironmentFiles {
  const path = (name: keyof typeof environmentFiles) => join(directory, environmentFiles[name]);
  return { rootPath: path("root"), kernelPath: path("kernel"), initramfsPath: path("initramfs") };
}

/** Progress that never decreases. */
function neverFalling(onProgress: (progress: PullProgress) => void): (progress: PullProgress) => void {
  let reached = 0;
  return (progress) => {
    if (progress.fraction < reached) return;
    reached = progress.fraction;
    onProgress(progress);
  };
}
