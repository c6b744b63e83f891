import type { Environment } from "../../contract/environment.js";
import type { InstalledEnvironment } from "../../environments/cache.js";
import type { Recipe } from "../../environments/source.js";
import { diskUsageBytes } from "../../host/disk.js";

/** The facts of one environment, installed or not, that several operations return. */
export async function environmentFacts(
  recipe: Recipe,
  installed: InstalledEnvironment | null,
  source: string,
): Promise<Environment> {
  return {
    name: recipe.name,
    version: installed?.manifest.version ?? recipe.version,
    description: recipe.description,
    installed: installed !== null,
    ...(recipe.kind === "debian"
      ? {
          distribution: `${recipe.distribution} ${recipe.release}`,
          architecture: recipe.architecture,
          default_packages: [...recipe.packages],
          ...(recipe.npmPackages.length > 0 && { npm_packages: recipe.npmPackages.map((wanted) => ({ ...wanted })) }),
          source:
            recipe.npmPackages.length === 0
              ? source
              : `${source}; Node.js and npm from the npm registry, pinned by digest`,
        }
      : {
          distribution: installed?.manifest.distribution ?? "unknown",
          architecture: recipe.architecture,
          default_packages: [],
          source: recipe.kind === "registry" ? recipe.name : recipe.path,
        }),
    ...(installed?.manifest.image && { image: structuredClone(installed.manifest.image) }),
    ...(installed?.manifest.origin && { source_digest: installed.manifest.origin.digest }),
    ...(installed?.movedTo && { moved_to: installed.movedTo }),
    ...(installed && {
      digest: installed.digest,
      size_bytes: await diskUsageBytes(installed.directory),
      pulled_at: installed.pulledAt,
    }),
  };
}
