import { isAbsolute, join, relative } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { realpath, stat } from "../../host/files.js";

/** The real path of a directory. Throws INVALID_ARGUMENT when it is not a directory. */
export async function resolveAllowedRoot(path: string): Promise<string> {
  const root = await realpath(path).catch(() => null);
  if (root !== null && (await stat(root)).isDirectory()) return root;
  throw new PyroError("INVALID_ARGUMENT", `--allow-pull: ${path} is not a directory.`);
}

/**
 * The real path of a destination, which may be relative to the root. Throws DESTINATION_UNUSABLE when it is not in the root, links
 * followed, or does not exist.
 */
export async function resolveAllowed(root: string, destination: string): Promise<string> {
  const path = isAbsolute(destination) ? destination : join(root, destination);
  const real = await realpath(path).catch(() => null);
  if (real === null) throw refused(path, "does not exist", root);
  const within = relative(root, real);
  if (within === ".." || within.startsWith("../")) throw refused(path, `is not inside ${root}`, root);
  return real;
}

function refused(path: string, why: string, root: string): PyroError {
  return new PyroError("DESTINATION_UNUSABLE", `The destination ${path} ${why}.`, {
    hint: `Name an existing directory inside ${root}, or leave destination out.`,
    details: { path, allowed: root },
  });
}
