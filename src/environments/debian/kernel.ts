import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { assertFreeSpace } from "../../host/disk.js";
import { mkdir, readdir, rm } from "../../host/files.js";
import type { Follower } from "../../host/shared-work.js";
import type { PullProgress } from "../source.js";
import { assertAbleToFetch } from "./able.js";
import { PrivateApt } from "./apt.js";
import { type KernelFacts, writeBootFiles } from "./boot-files.js";
import { kernelMetaPackage } from "./commands.js";
import { classifyBuildFailure, meaningfulLines } from "./failure.js";
import { readMirrors, readProxyOptions } from "./mirrors.js";
import { buildSource, type PackageSource } from "./package-source.js";
import { runCommand } from "./tools.js";

/** The release of the kernel: that of `debian:12`, so that images boot the same kernel as it. */
const SUITE = "bookworm";
const PURPOSE = "the kernel of images";
/** Lists, the package, and its unpacked files. */
const NEEDED_MIB = 300;

/**
 * Fetches Debian's kernel for virtual machines alone, and leaves it and its initramfs in a directory of the cache. Needs neither root
 * nor a user namespace. Throws HOST_NOT_ABLE, DISK_FULL, ENVIRONMENT_BUILD_FAILED.
 */
export async function fetchKernel(
  directory: string,
  { signal, onProgress }: Follower<PullProgress>,
  source: PackageSource = buildSource(readMirrors(), { suite: SUITE, purpose: PURPOSE }),
): Promise<KernelFacts> {
  const otherwise = "Install apt, dpkg and Debian's keys with the host's own package manager.";
  await assertAbleToFetch(PURPOSE, source.keyring, otherwise);
  await assertFreeSpace(directory, NEEDED_MIB, "Fetching the kernel of images");
  const report = (message: string, fraction: number) => onProgress({ phase: "kernel", message, fraction });
  const temporary = join(directory, "package");
  await mkdir(temporary);
  const proxies = await readProxyOptions(signal);
  const apt = await PrivateApt.make({ directory: join(temporary, "apt"), source, proxies, failure: fetchError });
  report("Reading the package lists", 0.02);
  await apt.update({ signal });
  report("Fetching the kernel", 0.4);
  const name = (await apt.listDependencies(kernelMetaPackage, { signal })).find((one) =>
    one.startsWith("linux-image-"),
  );
  if (name === undefined) throw await fetchError([`E: Unable to locate package ${kernelMetaPackage}`], directory);
  await apt.download([], [name], { signal });
  report("Choosing the kernel's modules", 0.8);
  const facts = await writeBootFiles(await unpack(apt.archives, join(temporary, "tree"), signal), directory);
  await rm(temporary, { recursive: true, force: true });
  return facts;
}

async function unpack(archives: string, tree: string, signal: AbortSignal) {
  const name = (await readdir(archives)).find((file) => file.endsWith(".deb")) ?? "";
  const archive = join(archives, name);
  await run(["dpkg-deb", "--extract", archive, tree], signal);
  const control = await run(["dpkg-deb", "--field", archive, "Package", "Version"], signal);
  const kernel = (await readdir(join(tree, "boot"))).find((file) => file.startsWith("vmlinuz-")) ?? "";
  // Debian 13 has the modules in /usr.
  const lib = (await readdir(tree)).includes("lib") ? "lib/modules" : "usr/lib/modules";
  return { kernel: join(tree, "boot", kernel), modules: join(tree, lib), control };
}

async function run(command: readonly string[], signal: AbortSignal): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(command, { signal });
  if (exitCode !== 0) throw await fetchError(stderr.split("\n"), "");
  return stdout;
}

const hints: Readonly<Record<string, string>> = {
  mirror_unreachable: "Check the network and PYRO_DEBIAN_MIRROR, then try again.",
  signature:
    "Check the host's clock and PYRO_DEBIAN_MIRROR, and update the keys with `apt-get install debian-archive-keyring`.",
  package_missing: "Check that PYRO_DEBIAN_MIRROR names a mirror with Debian 12, or try again later.",
};

/** The error of a failed tool: DISK_FULL, or ENVIRONMENT_BUILD_FAILED with the reason. */
async function fetchError(lines: readonly string[], path: string): Promise<PyroError> {
  const reason = classifyBuildFailure(lines);
  const details = { reason, lines: meaningfulLines(lines) };
  if (reason === "disk_full")
    return new PyroError("DISK_FULL", `The disk of ${path} is full.`, { details: { ...details, path } });
  const hint = hints[reason];
  const message = "An image needs the kernel of Debian, which could not be fetched.";
  return new PyroError("ENVIRONMENT_BUILD_FAILED", message, { ...(hint !== undefined && { hint }), details });
}
