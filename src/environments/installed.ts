import { join } from "node:path";

import { PyroError } from "../contract/errors.js";
import { lstat, readFile, writeFileAtomic } from "../host/files.js";
import { sha256OfFile } from "../host/digest.js";
import { contentPath, listPaths, manifestFile, namePath, type Layout } from "./layout.js";
import { digestOfManifest, parseInstallation, parseManifest, type Installation, type Manifest } from "./manifest.js";
import { environmentFiles, type Recipe } from "./source.js";

/** An installed environment. */
export interface InstalledEnvironment {
  readonly recipe: Recipe;
  /** sha256 of the manifest; names the directory. */
  readonly digest: string;
  readonly directory: string;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  readonly rootPath: string;
  readonly manifest: Manifest;
  /** ISO 8601, UTC. */
  readonly pulledAt: string;
  /** The digest that the reference has in its registry now, when it is another one. */
  readonly movedTo: string | null;
  /** The disk that a VM of a saved environment begins with. */
  readonly savedDisk?: { readonly path: string; readonly diskMib: number };
}

/** The files of an environment. */
export type EnvironmentFiles = Pick<InstalledEnvironment, "rootPath" | "kernelPath" | "initramfsPath">;

/** The result of checking a content. Damage is data, not an exception. */
export type ContentFinding =
  | { readonly state: "intact"; readonly environment: InstalledEnvironment }
  | {
      readonly state: "damaged";
      readonly digest: string | null;
      readonly reason: string;
      /** True when sizes are right and only a time differs: the content may still be right. */
      readonly onlyTimes: boolean;
    };

/** The state of a name, which may have no content. */
export type Finding = { readonly state: "absent" } | ContentFinding;

/** `times` compares sizes and times with those recorded; `digests` reads every byte. */
export type Thoroughness = "times" | "digests";

const OTHER_TIMES = "has other times than recorded";

const fileNames = Object.values(environmentFiles);

/** The names that stand for a content. Records that cannot be read are left out. */
export async function listNames(layout: Layout): Promise<string[]> {
  const records = await Promise.all((await listPaths(layout.names)).map(readText));
  return records.flatMap((text) => parseInstallation(text ?? "")?.name ?? []);
}

/** The record of a name; null when it does not exist, "damaged" when it cannot be parsed. */
export async function readInstallation(layout: Layout, name: string): Promise<Installation | "damaged" | null> {
  const text = await readText(namePath(layout, name));
  if (text === null) return null;
  const installation = parseInstallation(text);
  return installation?.name === name ? installation : "damaged";
}

/** Checks the content that a name stands for. */
export async function inspectName(
  layout: Layout,
  recipe: Recipe,
  thoroughness: Thoroughness,
  signal: AbortSignal,
): Promise<Finding> {
  const installation = await readInstallation(layout, recipe.name);
  if (installation === null) return { state: "absent" };
  if (installation === "damaged")
    return { state: "damaged", digest: null, reason: "its record cannot be read", onlyTimes: false };
  return inspectContent(layout, recipe, installation, thoroughness, signal);
}

/** Checks the content that a record names. */
export async function inspectContent(
  layout: Layout,
  recipe: Recipe,
  installation: Installation,
  thoroughness: Thoroughness,
  signal?: AbortSignal,
): Promise<ContentFinding> {
  const { digest } = installation;
  const directory = contentPath(layout, digest);
  const damaged = (reason: string): ContentFinding => ({ state: "damaged", digest, reason, onlyTimes: false });
  const text = await readText(join(directory, manifestFile));
  if (text === null) return damaged(`${manifestFile} is missing`);
  if (digestOfManifest(text) !== digest) return damaged(`${manifestFile} was changed`);
  const manifest = parseManifest(text);
  if (manifest === null) return damaged(`${manifestFile} cannot be read`);
  let touched: string | null = null;
  for (const name of fileNames) {
    const reason = await damageOf(join(directory, name), name, manifest, installation, thoroughness, signal);
    if (reason === OTHER_TIMES) touched ??= name;
    else if (reason !== null) return damaged(`${name} ${reason}`);
  }
  if (touched !== null) return { state: "damaged", digest, reason: `${touched} ${OTHER_TIMES}`, onlyTimes: true };
  return { state: "intact", environment: describe(recipe, directory, installation, manifest) };
}

async function damageOf(
  path: string,
  name: string,
  manifest: Manifest,
  installation: Installation,
  thoroughness: Thoroughness,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const expected = manifest.files.find((file) => file.name === name);
  const stat = await lstat(path).catch(() => null);
  if (expected === undefined || stat === null || !stat.isFile()) return "is missing";
  if (stat.size !== expected.size_bytes) return "has the wrong size";
  if (thoroughness === "digests")
    return (await sha256OfFile(path, signal)) === expected.sha256 ? null : "has the wrong digest";
  const recorded = installation.files.find((file) => file.name === name);
  return recorded?.mtime_ms === stat.mtimeMs && recorded.ctime_ms === stat.ctimeMs ? null : OTHER_TIMES;
}

/** Makes a name stand for a content, with the times its files have now. */
export async function writeInstallation(
  layout: Layout,
  name: string,
  digest: string,
  pulledAt: string,
  movedTo: string | null = null,
): Promise<Installation> {
  const files = [];
  for (const file of fileNames) {
    const stat = await lstat(join(contentPath(layout, digest), file));
    files.push({ name: file, size_bytes: stat.size, mtime_ms: stat.mtimeMs, ctime_ms: stat.ctimeMs });
  }
  const moved = movedTo === null ? {} : { moved_to: movedTo };
  const installation: Installation = { format: 1, name, digest, pulled_at: pulledAt, ...moved, files };
  await writeFileAtomic(namePath(layout, name), `${JSON.stringify(installation, null, 2)}\n`);
  return installation;
}

function describe(
  recipe: Recipe,
  directory: string,
  installation: Installation,
  manifest: Manifest,
): InstalledEnvironment {
  return {
    recipe,
    digest: installation.digest,
    directory,
    kernelPath: join(directory, environmentFiles.kernel),
    initramfsPath: join(directory, environmentFiles.initramfs),
    rootPath: join(directory, environmentFiles.root),
    manifest,
    pulledAt: installation.pulled_at,
    movedTo: installation.moved_to ?? null,
  };
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EISDIR") return null;
    throw error;
  }
}

/** The error of a damaged environment. */
export function corruptError(name: string, reason: string): PyroError {
  return new PyroError("ENVIRONMENT_CORRUPT", `The environment ${name} is damaged: ${reason}.`, {
    hint: `Repair it with \`pyro env pull ${name}\`.`,
    details: { environment: name, reason },
  });
}
