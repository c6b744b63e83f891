import { isAbsolute, normalize } from "node:path";

import { PyroError } from "../contract/errors.js";
import { nearestName } from "../contract/nearest.js";
import { catalog } from "./catalog.js";
import { parseRegistryReference, renderReference } from "./registry/reference.js";
import type { ImageRecipe, Recipe } from "./source.js";

/** Finds the recipe of a reference; null when the reference is of another kind. */
type Resolver = (reference: string) => Recipe | null;

/** Increases when an image gives another root file system than before. */
const IMAGE_VERSION = "1";
const image = { version: IMAGE_VERSION, architecture: "amd64" } as const;

const fromCatalog: Resolver = (reference) => catalog.find(({ name }) => name === reference) ?? null;

const fromRootfs: Resolver = (reference) => {
  const path = after("rootfs:", reference);
  return path === null
    ? null
    : { ...image, kind: "rootfs", name: reference, path, description: "Root file system of a tar archive" };
};

/** The first colon behind the path begins a tag, which may have more of them. */
function fromTagged(kind: Exclude<ImageRecipe["kind"], "rootfs" | "registry">, description: string): Resolver {
  return (reference) => {
    const text = after(`${kind}:`, reference);
    if (text === null) return null;
    const colon = text.indexOf(":");
    const [path, tag] = colon === -1 ? [text, null] : [text.slice(0, colon), text.slice(colon + 1)];
    return { ...image, kind, name: reference, path, tag, description };
  };
}

/** Short names of the catalog's distributions, and those that look like a name of it, are not looked for elsewhere. */
const fromRegistry: Resolver = (name) => {
  const reference = parseRegistryReference(name);
  if (reference === null || (!name.includes("/") && isLikeCatalog(name))) return null;
  const description = "Image of a registry";
  return { ...image, kind: "registry", name: renderReference(reference), reference, description };
};

function isLikeCatalog(name: string): boolean {
  const names = catalog.map((recipe) => recipe.name);
  const distribution = /^[^:@]*/.exec(name)?.[0] ?? "";
  return names.some((known) => known.startsWith(`${distribution}:`)) || nearestName(name, names) !== null;
}

const resolvers: readonly Resolver[] = [
  fromCatalog,
  fromRootfs,
  fromTagged("oci", "Image of a directory in the OCI layout"),
  fromTagged("docker-archive", "Image of an archive of docker save"),
  fromRegistry,
];

/** Whether a name is the reference of an image that this pyro knows. */
export function isReference(name: string): boolean {
  try {
    return findRecipe(name).kind !== "debian";
  } catch {
    return false;
  }
}

/** The recipe of a name or reference. Throws ENVIRONMENT_UNKNOWN with the known names and the nearest one, INVALID_ARGUMENT for a relative path. */
export function findRecipe(reference: string): Recipe {
  for (const resolve of resolvers) {
    const recipe = resolve(reference);
    if (recipe) return recipe;
  }
  const known = catalog.map((candidate) => candidate.name);
  const suggestion = nearestName(reference, known);
  const bare = reference.replace(/^(docker|https?):\/\//, "");
  throw new PyroError("ENVIRONMENT_UNKNOWN", `There is no environment ${JSON.stringify(reference)}.`, {
    hint:
      bare !== reference
        ? `Name an image without a scheme: ${bare}.`
        : `${suggestion === null ? "" : `Did you mean ${suggestion}? `}Known environments: ${known.join(", ")}. An image of Docker Hub: docker.io/library/NAME:TAG.`,
    details: { environment: reference, known, suggestion },
  });
}

/** The part after the prefix: an absolute path, since the daemon has a working directory of its own. */
function after(prefix: string, reference: string): string | null {
  if (!reference.startsWith(prefix)) return null;
  const path = reference.slice(prefix.length);
  if (isAbsolute(path) && normalize(path) === path && !path.includes("\0")) return path;
  throw new PyroError(
    "INVALID_ARGUMENT",
    `${JSON.stringify(reference)} does not name an absolute path without \`.\` and \`..\`.`,
    {
      hint: `Name the image by its absolute path: ${prefix}/DIR/NAME.`,
      details: { environment: reference },
    },
  );
}
