import { join } from "node:path";

import { PyroError } from "../contract/errors.js";
import { chmod, mkdir, open, readdir, rename, rm, stat, syncDirectory, writeFile } from "../host/files.js";
import { freeBytes } from "../host/disk.js";
import { sha256OfFile } from "../host/digest.js";
import type { Holds } from "./holds.js";
import {
  corruptError,
  inspectContent,
  readInstallation,
  writeInstallation,
  type InstalledEnvironment,
} from "./installed.js";
import { contentPath, manifestFile, newTemporaryPath, type Layout } from "./layout.js";
import { digestOfManifest, type Manifest } from "./manifest.js";
import { environmentFiles, type BuildOptions, type EnvironmentSource, type Recipe } from "./source.js";

const READ_ONLY = 0o444;

/** The directories and tools of an installation. */
export interface InstallPlace {
  readonly layout: Layout;
  readonly source: EnvironmentSource;
  readonly holds: Holds;
  /** Temporary directories in use. */
  readonly building: Set<string>;
}

/** Builds an environment and makes its name refer to it, or changes nothing. */
export async function installEnvironment(
  { layout, source, holds, building }: InstallPlace,
  recipe: Recipe,
  options: BuildOptions,
): Promise<InstalledEnvironment> {
  const directory = newTemporaryPath(layout);
  building.add(directory);
  try {
    const digest = await buildContent(source, recipe, directory, options);
    const release = holds.hold(digest);
    try {
      await publishContent(layout, directory, digest);
      const installation = await writeInstallation(layout, recipe.name, digest, new Date().toISOString());
      const finding = await inspectContent(layout, recipe, installation, "times");
      if (finding.state !== "intact") throw corruptError(recipe.name, "it was changed while it was stored");
      return finding.environment;
    } finally {
      release();
      await removeNameless(layout, holds, recipe.name, digest);
    }
  } catch (error) {
    await removeBuild(source, directory);
    throw await diskFullOr(error, layout);
  } finally {
    building.delete(directory);
  }
}

/** Removes a content whose name could not be written; it would stay unused. */
async function removeNameless(layout: Layout, holds: Holds, name: string, digest: string): Promise<void> {
  const installation = await readInstallation(layout, name);
  if (installation !== null && installation !== "damaged" && installation.digest === digest) return;
  await holds.ifUnheld(digest, () => rm(contentPath(layout, digest), { recursive: true, force: true }));
}

/** Builds into a temporary directory and seals the result. Returns its digest. */
async function buildContent(
  source: EnvironmentSource,
  recipe: Recipe,
  directory: string,
  options: BuildOptions,
): Promise<string> {
  await mkdir(directory, { mode: 0o755 });
  const built = await source.build(recipe, directory, options);
  options.onProgress({ phase: "digest", message: "Computing digests", fraction: 0.97 });
  const files = [];
  for (const name of Object.values(environmentFiles)) {
    files.push(await sealFile(directory, name, options.signal));
  }
  const manifest: Manifest = {
    format: 1,
    name: recipe.name,
    version: recipe.version,
    kernel_version: built.kernelVersion,
    packages: [...built.packages],
    ...(built.distribution !== undefined && { distribution: built.distribution }),
    ...(built.image && { image: built.image }),
    ...(built.origin && { origin: built.origin }),
    ...(built.layers && { layers: [...built.layers] }),
    files,
  };
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  await writeFile(join(directory, manifestFile), text, { flush: true, mode: READ_ONLY });
  await removeStrangers(directory);
  await syncDirectory(directory);
  options.signal.throwIfAborted();
  return digestOfManifest(text);
}

/** Moves a finished build to its place. Replaces a damaged content of the same digest. */
async function publishContent(layout: Layout, directory: string, digest: string): Promise<void> {
  const place = contentPath(layout, digest);
  const old = newTemporaryPath(layout);
  await rename(place, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await rename(directory, place);
  await syncDirectory(layout.content);
  await rm(old, { recursive: true, force: true });
}

/** Removes a temporary directory and its build's leftovers elsewhere. */
export async function removeBuild(source: EnvironmentSource, directory: string): Promise<void> {
  await source.discard(directory);
  await rm(directory, { recursive: true, force: true });
}

/** Computes the digest of a finished file, and makes it read-only and durable. */
export async function sealFile(
  directory: string,
  name: string,
  signal: AbortSignal,
): Promise<Manifest["files"][number]> {
  const path = join(directory, name);
  const sha256 = await sha256OfFile(path, signal);
  await chmod(path, READ_ONLY);
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
  return { name, size_bytes: (await stat(path)).size, sha256 };
}

async function removeStrangers(directory: string): Promise<void> {
  const known: readonly string[] = [...Object.values(environmentFiles), manifestFile];
  for (const name of await readdir(directory)) {
    if (!known.includes(name)) await rm(join(directory, name), { recursive: true, force: true });
  }
}

/** The same error, or that of a full disk with the facts that the system's own lacks. */
export async function diskFullOr(error: unknown, layout: Layout): Promise<unknown> {
  const { code, details } = PyroError.from(error);
  if (code !== "DISK_FULL" || "path" in details) return error;
  const free = await freeBytes(layout.temporary);
  return new PyroError("DISK_FULL", `The disk of ${layout.temporary} is full.`, {
    details: { path: layout.temporary, free_bytes: free },
    cause: error,
  });
}
