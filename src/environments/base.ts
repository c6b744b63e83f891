import { join } from "node:path";

import { existsSync, readdir, readFile, symlink } from "../host/files.js";
import { writeInstallation } from "./installed.js";
import { contentPath, listPaths, makeLayout } from "./layout.js";
import { parseInstallation } from "./manifest.js";

/**
 * Makes the environments of a base, a home that is not written to any more (PYRO_BASE), environments of this one: their files stay where
 * they are. A name that this home has keeps its content. The base is trusted: the digests are not computed again.
 */
export async function linkBaseEnvironments(directory: string, base: string): Promise<void> {
  const from = join(base, "environments");
  if (!existsSync(from)) return;
  const layout = await makeLayout(directory);
  for (const digest of await readdir(join(from, "content"))) {
    if (!existsSync(contentPath(layout, digest)))
      await symlink(join(from, "content", digest), contentPath(layout, digest));
  }
  for (const name of await readdir(join(from, "kernels")).catch(() => [])) {
    if (!existsSync(join(layout.kernels, name))) await symlink(join(from, "kernels", name), join(layout.kernels, name));
  }
  const known = new Set(await readdir(layout.names));
  for (const path of await listPaths(join(from, "names"))) {
    const found = parseInstallation(await readFile(path, "utf8"));
    if (found === null || known.has(path.slice(path.lastIndexOf("/") + 1))) continue;
    await writeInstallation(layout, found.name, found.digest, found.pulled_at, found.moved_to ?? null);
  }
}
