import { debianSource } from "./debian.js";
import { buildFromImage } from "./image/build.js";
import type { EnvironmentSource } from "./source.js";

/** Builds environments of every kind of recipe. */
export function everySource(): EnvironmentSource {
  const debian = debianSource();
  return {
    ...debian,
    build: (recipe, directory, options) =>
      recipe.kind === "debian" ? debian.build(recipe, directory, options) : buildFromImage(recipe, directory, options),
  };
}
