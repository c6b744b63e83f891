import { findRecipe } from "../../environments/resolve.js";
import type { Handler } from "../core.js";
import { environmentFacts } from "./facts.js";
import { findSavedFacts } from "./saved-facts.js";

/** Shows one environment; with its packages and digests when it is installed. */
export const envInspect: Handler<"env.inspect"> = async (core, input) => {
  const saved = await findSavedFacts(core, input.environment);
  if (saved !== null) return saved;
  const recipe = findRecipe(input.environment);
  const installed = await core.environments.find(recipe.name);
  return {
    ...(await environmentFacts(recipe, installed, core.environments.sourceDescription)),
    ...(installed && {
      kernel_version: installed.manifest.kernel_version,
      packages: installed.manifest.packages.map(({ name, version }) => ({ name, version })),
      files: installed.manifest.files.map(({ name, size_bytes, sha256 }) => ({ name, size_bytes, sha256 })),
    }),
  };
};
