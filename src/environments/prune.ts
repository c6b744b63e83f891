import { basename, join } from "node:path";

import { readFile, rm } from "../host/files.js";
import { diskUsageBytes } from "../host/disk.js";
import type { Holds } from "./holds.js";
import { removeBuild } from "./install.js";
import type { Kernels } from "./kernels.js";
import { contentPath, listPaths, manifestFile, type Layout } from "./layout.js";
import { parseInstallation, parseManifest } from "./manifest.js";
import { removeContent } from "./remove.js";
import type { BlobCache } from "./registry/blobs.js";
import type { EnvironmentSource } from "./source.js";

/** The entries that a prune removed, and those that it kept, each with a reason. */
export interface PruneReport {
  readonly removed: readonly {
    readonly kind: "environment" | "template" | "step" | "leftover";
    readonly name: string;
  }[];
  readonly kept: readonly { readonly name: string; readonly reason: string }[];
  readonly freedBytes: number;
}

interface Prunable {
  readonly layout: Layout;
  readonly holds: Holds;
  readonly source: EnvironmentSource;
  readonly blobs: BlobCache;
  readonly kernels: Kernels;
  isBuilding(path: string): boolean;
  /** Only lists the entries that would be removed. */
  readonly dryRun: boolean;
}

/** Removes environments that are not held, contents without a name, and temporary directories without a build. */
export async function pruneContents({
  layout,
  holds,
  source,
  blobs,
  kernels,
  isBuilding,
  dryRun,
}: Prunable): Promise<PruneReport> {
  const removed: { kind: "environment" | "leftover"; name: string }[] = [];
  const kept: { name: string; reason: string }[] = [];
  let freedBytes = 0;

  const removeUnheld = async (digest: string) => {
    freedBytes += await removeContent(layout, digest, dryRun);
  };

  /** A dry run must not prevent other calls from using the content. */
  const ifUnheld = async (digest: string, remove: (digest: string) => Promise<unknown>) => {
    if (!dryRun) return holds.ifUnheld(digest, remove);
    if (holds.isHeld(digest)) return false;
    await remove(digest);
    return true;
  };

  for (const path of await listPaths(layout.names)) {
    const installation = parseInstallation(await readFile(path, "utf8").catch(() => ""));
    if (installation === null) {
      freedBytes += await diskUsageBytes(path);
      if (!dryRun) await rm(path, { recursive: true, force: true });
      removed.push({ kind: "leftover", name: basename(path) });
      continue;
    }
    const gone = await ifUnheld(installation.digest, async (digest) => {
      if (!dryRun) await rm(path, { force: true });
      await removeUnheld(digest);
    });
    if (gone) removed.push({ kind: "environment", name: installation.name });
    else kept.push({ name: installation.name, reason: "in use" });
  }
  const named = await namedDigests(layout);
  for (const path of await listPaths(layout.content)) {
    const digest = basename(path);
    if (named.has(digest)) continue;
    if (await ifUnheld(digest, removeUnheld)) removed.push({ kind: "leftover", name: digest });
    else kept.push({ name: digest, reason: "an older build, which a VM uses" });
  }
  for (const path of await listPaths(layout.temporary)) {
    if (isBuilding(path)) {
      kept.push({ name: basename(path), reason: "being built" });
      continue;
    }
    freedBytes += await diskUsageBytes(path);
    if (!dryRun) await removeBuild(source, path);
    removed.push({ kind: "leftover", name: basename(path) });
  }
  const removedNames = new Set(removed.map(({ name }) => name));
  const swept = await blobs.sweep(await neededLayers(layout, removedNames), dryRun);
  removed.push(...swept.digests.map((digest) => ({ kind: "leftover" as const, name: `layer ${digest}` })));
  const alone = await kernels.sweep(dryRun);
  removed.push(...alone.versions.map((version) => ({ kind: "leftover" as const, name: `kernel ${version}` })));
  return { removed, kept, freedBytes: freedBytes + swept.freedBytes + alone.freedBytes };
}

/** The layers of registries that installed environments were made of, without those of some names. */
export async function neededLayers(layout: Layout, leaving: ReadonlySet<string> = new Set()): Promise<Set<string>> {
  const layers = new Set<string>();
  for (const path of await listPaths(layout.names)) {
    const installation = parseInstallation(await readFile(path, "utf8").catch(() => ""));
    if (installation === null || leaving.has(installation.name)) continue;
    const manifest = join(contentPath(layout, installation.digest), manifestFile);
    const known = parseManifest(await readFile(manifest, "utf8").catch(() => ""))?.layers ?? [];
    for (const layer of known) layers.add(layer);
  }
  return layers;
}

async function namedDigests(layout: Layout): Promise<ReadonlySet<string>> {
  const digests = new Set<string>();
  for (const path of await listPaths(layout.names)) {
    const installation = parseInstallation(await readFile(path, "utf8").catch(() => ""));
    if (installation !== null) digests.add(installation.digest);
  }
  return digests;
}
