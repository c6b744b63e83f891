import { PyroError } from "../../contract/errors.js";
import { catalog } from "../../environments/catalog.js";
import type { Core } from "../core.js";

/** Names of environments that are being saved or imported, of each daemon's core. */
const underWay = new WeakMap<Core["snapshots"], Set<string>>();

/** Reserves a name for an environment that is made, until the release is called. Throws ALREADY_EXISTS when another call is using it. */
export function reserveName({ snapshots }: Core, name: string): () => void {
  const names = underWay.get(snapshots) ?? new Set();
  underWay.set(snapshots, names);
  if (names.has(name)) throw taken(name);
  names.add(name);
  return () => void names.delete(name);
}

/** Reserves a name for an environment that the work makes. Throws ALREADY_EXISTS when another call is using it. */
export async function whileNamed<T>(core: Core, name: string, work: () => Promise<T>): Promise<T> {
  const release = reserveName(core, name);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Throws ALREADY_EXISTS for a name of the catalog or of an installed environment, also a damaged one. One of an image that is not installed is free. */
export async function assertNameIsFree({ environments, snapshots }: Core, name: string): Promise<void> {
  const { saved } = environments;
  const isSaved = saved.find(name) !== null || saved.damaged.includes(name) || snapshots.findSaved(name) !== null;
  const isBuilt = catalog.some((recipe) => recipe.name === name) || (await isInstalled(environments, name));
  if (isSaved || isBuilt) throw taken(name);
}

/** Also true for a damaged one. */
async function isInstalled(environments: Core["environments"], name: string): Promise<boolean> {
  return environments.find(name).then(
    (found) => found !== null,
    (error: unknown) => PyroError.from(error).code !== "ENVIRONMENT_UNKNOWN",
  );
}

function taken(name: string): PyroError {
  return new PyroError("ALREADY_EXISTS", `The name ${name} is taken by another environment.`, {
    hint: "Choose another name, or remove that environment with `pyro env remove`.",
    details: { name },
  });
}
