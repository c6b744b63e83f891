import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { chmod, existsSync, mkdir, readdir, rename } from "../../host/files.js";
import { findProgram } from "../../host/find-program.js";
import { sha512OfFile } from "../../host/digest.js";
import type { NpmPackage, DebianRecipe } from "../source.js";
import { meaningfulLines } from "./failure.js";
import { runCommand } from "./tools.js";

/** The directory of downloads, beside the root; the hook reads `NAME.tgz` in it. */
const FOLDER = "downloads";
/** npm trusts only the authorities of its own Node.js. */
const HOST_BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const DEADLINE_MS = 300_000;

/** Throws HOST_NOT_ABLE when a recipe needs npm and the host has none. */
export async function assertAbleToFetch({ name, npmPackages }: DebianRecipe): Promise<void> {
  if (npmPackages.length === 0 || (await findProgram("npm")) !== null) return;
  throw new PyroError("HOST_NOT_ABLE", `Building ${name} needs npm.`, {
    hint: "apt-get install npm",
    details: { missing: ["npm"], packages: ["npm"] },
  });
}

/**
 * Fetches a recipe's packages with the host's npm, from its cache if possible, and checks each against the digest in the recipe. Throws
 * ENVIRONMENT_BUILD_FAILED. `scratch` is the build's folder, on a disk with room.
 */
export async function fetchNpmPackages(
  { name, npmPackages }: DebianRecipe,
  scratch: string,
  signal: AbortSignal,
): Promise<void> {
  if (npmPackages.length === 0) return;
  const directory = join(scratch, FOLDER);
  await mkdir(directory);
  await chmod(directory, 0o755);
  for (const wanted of npmPackages) await fetchPackage(name, wanted, directory, signal);
}

async function fetchPackage(
  environment: string,
  { name, version, integrity }: NpmPackage,
  directory: string,
  signal: AbortSignal,
): Promise<void> {
  const place = join(directory, name);
  await mkdir(place);
  const registry = process.env["PYRO_NPM_REGISTRY"];
  const { exitCode, stdout, stderr } = await runCommand(
    [
      ...["npm", "pack", `${name}@${version}`, "--pack-destination", place],
      ...["--ignore-scripts", "--prefer-offline", "--loglevel", "error"],
      ...(registry ? ["--registry", registry] : []),
    ],
    {
      signal,
      cwd: place,
      timeoutMs: DEADLINE_MS,
      env: existsSync(HOST_BUNDLE) ? { NODE_EXTRA_CA_CERTS: process.env["NODE_EXTRA_CA_CERTS"] ?? HOST_BUNDLE } : {},
    },
  );
  const [file, ...others] = await readdir(place);
  if (exitCode !== 0 || file === undefined || others.length > 0) {
    throw new PyroError("ENVIRONMENT_BUILD_FAILED", `npm could not fetch ${name}@${version}.`, {
      hint: `Check that \`npm view ${name}\` works, or name another registry in PYRO_NPM_REGISTRY.`,
      details: {
        environment,
        reason: "registry_unreachable",
        lines: meaningfulLines(`${stdout}\n${stderr}`.split("\n")),
      },
    });
  }
  const path = join(directory, `${name}.tgz`);
  await rename(join(place, file), path);
  const found = `sha512-${await sha512OfFile(path, signal)}`;
  if (found !== integrity) {
    throw new PyroError(
      "ENVIRONMENT_BUILD_FAILED",
      `The digest of ${name}@${version} is not the one that this pyro expects.`,
      {
        hint: "The registry or npm's cache has another file. Try `npm cache clean --force`, or another registry in PYRO_NPM_REGISTRY.",
        details: { environment, reason: "integrity", package: `${name}@${version}`, expected: integrity, found },
      },
    );
  }
  await chmod(path, 0o644);
}
