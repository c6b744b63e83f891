import { PyroError } from "../../contract/errors.js";
import { catalog, catalogVersion } from "../../environments/catalog.js";
import type { Core, Handler } from "../core.js";
import { environmentFacts } from "./facts.js";

/** Lists the catalog. A damaged environment counts as not installed: only a pull makes it usable. */
export const envList: Handler<"env.list"> = async (core) => ({
  catalog_version: catalogVersion,
  environments: await Promise.all(
    catalog.map(async (recipe) =>
      environmentFacts(recipe, await findUsable(core, recipe.name), core.environments.sourceDescription),
    ),
  ),
});

async function findUsable(core: Core, name: string) {
  try {
    return await core.environments.find(name);
  } catch (error) {
    if (error instanceof PyroError && error.code === "ENVIRONMENT_CORRUPT") return null;
    throw error;
  }
}
