import { PyroError } from "../../contract/errors.js";
import { catalog, catalogVersion } from "../../environments/catalog.js";
import { findRecipe } from "../../environments/resolve.js";
import type { Core, Handler } from "../core.js";
import { environmentFacts } from "./facts.js";
import { savedFacts } from "./saved-facts.js";

/** Lists the catalog, the installed images and the saved environments. A damaged environment counts as not installed: only a pull makes it usable. */
export const envList: Handler<"env.list"> = async (core) => {
  const images = (await core.environments.listReferences()).map(findRecipe);
  return {
    catalog_version: catalogVersion,
    environments: [
      ...(await Promise.all(
        [...catalog, ...images].map(async (recipe) =>
          environmentFacts(recipe, await findUsable(core, recipe.name), core.environments.sourceDescription),
        ),
      )),
      ...(await savedFacts(core)),
    ],
  };
};

async function findUsable(core: Core, name: string) {
  try {
    return await core.environments.find(name);
  } catch (error) {
    if (error instanceof PyroError && error.code === "ENVIRONMENT_CORRUPT") return null;
    throw error;
  }
}
