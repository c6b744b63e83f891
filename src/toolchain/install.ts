import { join } from "node:path";

import { PyroError } from "../contract/errors.js";
import { assertAbleToFetch } from "../environments/debian/able.js";
import { type ChosenPackage, PrivateApt } from "../environments/debian/apt.js";
import { readMirrors, readProxyOptions } from "../environments/debian/mirrors.js";
import { buildSource, type PackageSource } from "../environments/debian/package-source.js";
import { mkdir, readdir, rename, rm, symlink, syncDirectory, writeFile } from "../host/files.js";
import { assertFreeSpace, diskUsageBytes, freeBytes } from "../host/disk.js";
import type { Follower } from "../host/shared-work.js";
import { newTemporaryName } from "../host/temporary.js";
import { CURRENT, inToolchain, readToolchain, type InstalledToolchain, type ToolchainManifest } from "./installed.js";
import { installError, SUITE } from "./failure.js";
import { readVersionOfQemu, unpackPackage, writePrograms } from "./unpack.js";
import { shortDigest } from "../host/short-digest.js";

/** Fetched with all they depend on. */
const PACKAGES = ["qemu-system-x86", "qemu-utils", "bubblewrap", "e2fsprogs", "util-linux", "xz-utils", "nftables"];
/** A script for the host's Perl and apt. */
const PACKAGES_ALONE = ["mmdebstrap"];
const ABLE_OTHERWISE = "Install QEMU 9 or later, bubblewrap and e2fsprogs with the host's own package manager instead.";
/** Directories for lists, downloads and unpacked packages. */
const NEEDED_MIB = 450;

export interface InstallProgress {
  readonly phase: "lists" | "download" | "unpack" | "ready";
  readonly message: string;
  readonly fraction: number;
}

export interface InstallOutcome {
  readonly toolchain: InstalledToolchain;
  /** False when the newest one was already installed. */
  readonly changed: boolean;
}

export type InstallFollower = Follower<InstallProgress>;

/** Fetches the newest toolchain and switches to it, or leaves the one in use. */
export async function installToolchain(
  directory: string,
  follower: InstallFollower,
  source: PackageSource = buildSource(readMirrors(), { suite: SUITE, purpose: "a toolchain" }),
): Promise<InstallOutcome> {
  await assertAbleToFetch("a toolchain", source.keyring, ABLE_OTHERWISE);
  await assertFreeSpace(directory, NEEDED_MIB, "The toolchain");
  const temporary = join(directory, newTemporaryName());
  await mkdir(temporary, { mode: 0o700 });
  try {
    return await installBy(temporary, directory, source, follower);
  } catch (error) {
    throw await diskFullOr(error, directory);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function installBy(
  temporary: string,
  directory: string,
  source: PackageSource,
  { signal, onProgress }: InstallFollower,
): Promise<InstallOutcome> {
  const proxies = await readProxyOptions(signal);
  const apt = await PrivateApt.make({ directory: join(temporary, "apt"), source, proxies, failure: installError });
  onProgress({ phase: "lists", message: "Reading the package lists", fraction: 0.02 });
  await apt.update({ signal });
  const chosen = await apt.choose(PACKAGES, PACKAGES_ALONE, { signal });
  const id = digestOf(chosen);
  const place = join(directory, id);
  const present = await readToolchain(place);
  if (present !== null) {
    const changed = (await readToolchain(join(directory, CURRENT)))?.id !== id;
    if (changed) await switchTo(id, temporary, directory);
    onProgress({ phase: "ready", message: "The toolchain is ready", fraction: 1 });
    return { toolchain: present, changed };
  }
  await download(apt, chosen, { signal, onProgress });
  const root = join(temporary, "root");
  await unpack(apt.archives, root, { signal, onProgress });
  await finish(root, { id, packages: chosen.map(({ name, version }) => ({ name, version })) }, signal);
  await rm(place, { recursive: true, force: true });
  await rename(root, place);
  await switchTo(id, temporary, directory);
  const toolchain = await readToolchain(place);
  if (toolchain === null) throw new PyroError("INTERNAL", `The new toolchain ${place} cannot be read.`);
  onProgress({ phase: "ready", message: "The toolchain is ready", fraction: 1 });
  return { toolchain, changed: true };
}

async function download(apt: PrivateApt, chosen: readonly ChosenPackage[], { signal, onProgress }: InstallFollower) {
  const mib = Math.ceil(chosen.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / 1_048_576);
  let fetched = 0;
  await apt.download(PACKAGES, PACKAGES_ALONE, {
    signal,
    onLine: (line) => {
      if (!line.startsWith("Get:")) return;
      fetched += 1;
      const fraction = 0.2 + 0.4 * Math.min(1, fetched / chosen.length);
      onProgress({ phase: "download", message: `Downloading ${chosen.length} packages, ${mib} MiB`, fraction });
    },
  });
}

async function unpack(archives: string, root: string, { signal, onProgress }: InstallFollower): Promise<void> {
  await mkdir(root, { mode: 0o755 });
  const names = (await readdir(archives)).filter((name) => name.endsWith(".deb"));
  for (const [index, name] of names.entries()) {
    const fraction = 0.6 + 0.38 * (index / names.length);
    onProgress({ phase: "unpack", message: `Unpacking ${names.length} packages`, fraction });
    await unpackPackage(join(archives, name), root, signal);
  }
}

/** Makes a toolchain of a tree of unpacked packages. The manifest is written last: a directory without it is not a toolchain. */
async function finish(
  root: string,
  facts: Pick<ToolchainManifest, "id" | "packages">,
  signal: AbortSignal,
): Promise<void> {
  const qemu_version = await readVersionOfQemu(root, signal);
  await writePrograms(root, signal);
  const manifest: ToolchainManifest = {
    format: 1,
    ...facts,
    suite: SUITE,
    qemu_version,
    installed_at: new Date().toISOString(),
    size_bytes: await diskUsageBytes(root),
  };
  await writeFile(join(root, inToolchain.manifest), JSON.stringify(manifest), { flush: true });
  await syncDirectory(root);
}

async function switchTo(id: string, temporary: string, directory: string): Promise<void> {
  const link = join(temporary, CURRENT);
  await symlink(id, link);
  await rename(link, join(directory, CURRENT));
  await syncDirectory(directory);
}

/** The same packages give a toolchain with the same id. */
function digestOf(chosen: readonly ChosenPackage[]): string {
  const lines = chosen.map(({ name, version, digest }) => `${name} ${version} ${digest}`).toSorted();
  return shortDigest(lines.join("\n"), 16);
}

/** The same error, or that of a full disk with the facts that the system's own lacks. */
async function diskFullOr(error: unknown, path: string): Promise<unknown> {
  const { code, details } = PyroError.from(error);
  if (code !== "DISK_FULL" || "path" in details) return error;
  return new PyroError("DISK_FULL", `The disk of ${path} is full.`, {
    details: { path, free_bytes: await freeBytes(path) },
    cause: error,
  });
}
