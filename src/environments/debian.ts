import { dirname, join } from "node:path";

import { copyFile, lstat, readFile, rename } from "../host/files.js";
import { freeBytes } from "../host/disk.js";
import { endToolsIn } from "../host/tools-in.js";
import { assertAbleToBuild } from "./debian/able.js";
import { kernelInRoot, writeBootFiles } from "./debian/boot-files.js";
import { buildBootstrapCommand, buildImageCommand, buildTracedCommand, imagePath } from "./debian/commands.js";
import { buildFailureError } from "./debian/failure.js";
import { fetchKernel } from "./debian/kernel.js";
import { readMirrors, readProxyOptions } from "./debian/mirrors.js";
import { assertAbleToFetch, fetchNpmPackages } from "./debian/npm-packages.js";
import { parsePackages } from "./debian/packages.js";
import { bootstrapProgress } from "./debian/progress.js";
import { closeScratch, discardScratch, openScratch, type RequiredSpace, type Scratch } from "./debian/scratch.js";
import { isPrivileged, runCommand } from "./debian/tools.js";
import {
  environmentFiles,
  type BuildOptions,
  type BuiltEnvironment,
  type EnvironmentSource,
  type DebianRecipe,
} from "./source.js";

const MIB = 1 << 20;
const KEPT_LINES = 200;

/** Builds environments on this host from Debian's signed packages, with mmdebstrap. Needs no root. */
export function debianSource(): EnvironmentSource {
  return {
    description: "Debian packages, built on this host with mmdebstrap",
    assertAble: () => assertAbleToBuild(),
    build,
    fetchKernel: async (directory, follower) => {
      const { version, packageName, packageVersion } = await fetchKernel(directory, follower);
      return { version, packages: [{ name: packageName, version: packageVersion }] };
    },
    discard: async (directory) => {
      await endToolsIn(directory);
      await discardScratch(directory);
    },
  };
}

async function build(recipe: DebianRecipe, directory: string, options: BuildOptions): Promise<BuiltEnvironment> {
  options.onProgress({ phase: "check", message: "Checking this host", fraction: 0 });
  await assertAbleToBuild();
  await assertAbleToFetch(recipe);
  const scratch = await openScratch(directory, requiredSpace(recipe));
  try {
    return await buildIn(scratch, recipe, directory, options);
  } finally {
    await closeScratch(scratch);
  }
}

async function buildIn(
  scratch: Scratch,
  recipe: DebianRecipe,
  directory: string,
  options: BuildOptions,
): Promise<BuiltEnvironment> {
  options.onProgress({ phase: "download", message: "Starting the build", fraction: 0.02 });
  await fetchNpmPackages(recipe, scratch.path, options.signal);
  const sources = { mirrors: readMirrors(), aptOptions: await readProxyOptions(options.signal) };
  const bootstrap = buildBootstrapCommand(recipe, scratch.root, sources);
  await runBuildTool(bootstrap, scratch, recipe, options.signal, bootstrapProgress(options.onProgress));

  options.onProgress({ phase: "kernel", message: "Choosing the kernel's modules", fraction: 0.88 });
  const kernel = await writeBootFiles(await kernelInRoot(scratch.root), directory);
  const packages = parsePackages(await readFile(join(scratch.root, "var/lib/dpkg/status"), "utf8"));

  options.onProgress({ phase: "image", message: "Making the root image", fraction: 0.9 });
  await runBuildTool(buildImageCommand(scratch.root), scratch, recipe, options.signal, () => {});
  options.onProgress({ phase: "image", message: "Storing the root image", fraction: 0.94 });
  await moveImage(join(scratch.root, imagePath), join(directory, environmentFiles.root));
  return {
    kernelVersion: kernel.version,
    packages: [
      ...packages,
      { name: kernel.packageName, version: kernel.packageVersion },
      ...recipe.npmPackages.map(({ name, version }) => ({ name: `npm:${name}`, version })),
    ],
  };
}

async function runBuildTool(
  command: readonly string[],
  scratch: Scratch,
  recipe: DebianRecipe,
  signal: AbortSignal,
  onLine: (line: string) => void,
): Promise<void> {
  const lines: string[] = [];
  const { exitCode } = await runCommand(buildTracedCommand(scratch.pidFile, command, isPrivileged()), {
    signal,
    temporaryDirectory: scratch.path,
    cwd: scratch.path,
    onStderrLine: (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      onLine(line);
    },
  });
  if (exitCode === 0) return;
  const path = dirname(scratch.path);
  const space = { path, freeBytes: await freeBytes(path), neededBytes: requiredSpace(recipe).scratchBytes };
  throw buildFailureError(recipe.name, lines, space);
}

/** The scratch directory holds downloads, the unpacked root and its image; the cache gets a copy of that. */
function requiredSpace({ sizeMib }: DebianRecipe): RequiredSpace {
  return { scratchBytes: (sizeMib * 2.5 + 256) * MIB, cacheBytes: (sizeMib + 64) * MIB };
}

/** Moves the image by a rename if its file belongs to this user; otherwise copies it from the subordinate user's file. */
async function moveImage(from: string, to: string): Promise<void> {
  if ((await lstat(from)).uid === process.geteuid?.()) {
    const moved = await rename(from, to).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === "EXDEV") return false;
        throw error;
      },
    );
    if (moved) return;
  }
  await copyFile(from, to);
}
