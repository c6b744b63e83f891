import { rm } from "../host/files.js";
import type { Log } from "../host/log.js";
import type { Follower } from "../host/shared-work.js";
import { type InstallPlace, installEnvironment } from "./install.js";
import { inspectName, type InstalledEnvironment, writeInstallation } from "./installed.js";
import { contentPath } from "./layout.js";
import { neededLayers } from "./prune.js";
import type { BlobCache } from "./registry/blobs.js";
import { assertUpdatable, findMove } from "./registry/moved.js";
import type { BuildOptions, PullProgress, Recipe } from "./source.js";

export interface PullOutcome {
  readonly environment: InstalledEnvironment;
  readonly built: boolean;
  readonly repaired: boolean;
  /**
   * Whether the registry of an installed image has answered which digest its tag names now. Null for other environments, and after a
   * build.
   */
  readonly registryChecked: boolean | null;
}

export interface PullRequest extends Follower<PullProgress> {
  readonly rebuild: boolean;
  /** Installs the image that the tag names in its registry now. */
  readonly update?: boolean;
  /** Connects to a registry on this host without TLS. */
  readonly plainHttp?: boolean;
}

interface PullPlace extends InstallPlace {
  readonly blobs: BlobCache;
  readonly log: Log | undefined;
  /** The kernel for an image; a rebuild takes the newest. */
  readonly takeKernel: (isRebuild: boolean) => BuildOptions["takeKernel"];
}

/** Checks an installed environment, and builds one that is missing, damaged, or to be rebuilt. */
export async function pullEnvironment(place: PullPlace, recipe: Recipe, request: PullRequest): Promise<PullOutcome> {
  const { layout, holds, blobs, log } = place;
  if (request.update) assertUpdatable(recipe);
  request.onProgress({ phase: "check", message: "Checking the installed environment", fraction: 0 });
  const finding = await inspectName(layout, recipe, "digests", request.signal);
  const repaired = finding.state === "damaged";
  if (finding.state === "intact" && !request.rebuild && finding.environment.manifest.version === recipe.version) {
    const kept = await keepUnlessUpdated(place, finding.environment, request);
    if (kept) return ready(request, { ...kept, built: false, repaired });
  }
  if (finding.state === "damaged") log?.warn({ environment: recipe.name, reason: finding.reason }, "repairing");
  const registry = { blobs, plainHttp: request.plainHttp ?? false, neededLayers: () => neededLayers(layout) };
  const options = { ...request, takeKernel: place.takeKernel(request.rebuild), registry };
  const environment = await installEnvironment(place, recipe, options);
  if (finding.state === "damaged" && finding.digest !== null && finding.digest !== environment.digest) {
    await holds.ifUnheld(finding.digest, (digest) => rm(contentPath(layout, digest), { recursive: true, force: true }));
  }
  return ready(request, { environment, built: true, repaired, registryChecked: null });
}

function ready({ onProgress }: PullRequest, outcome: PullOutcome): PullOutcome {
  onProgress({ phase: "ready", message: `${outcome.environment.recipe.name} is ready`, fraction: 1 });
  return outcome;
}

/** The installed environment with the digest that its tag names now; null when the request installs that image. */
async function keepUnlessUpdated({ layout, log }: PullPlace, environment: InstalledEnvironment, request: PullRequest) {
  const { isChecked, movedTo } = await findMove(environment, request, log);
  if (request.update && movedTo !== null) return null;
  // The digests match; the times may differ after a copy to another disk.
  await writeInstallation(layout, environment.recipe.name, environment.digest, environment.pulledAt, movedTo);
  return { environment: { ...environment, movedTo }, registryChecked: isChecked };
}
