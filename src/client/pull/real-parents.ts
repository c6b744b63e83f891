import { join } from "node:path";

import { lookAtName } from "../../host/files.js";
import { ancestorsOf } from "../../workspace/entry.js";

/** Whether every name on the way to a path is a directory, and no link that leads out of the tree. */
export function hasRealParents(root: string, path: string): boolean {
  for (const parent of ancestorsOf(path)) {
    if (!lookAtName(join(root, parent))?.isDirectory()) return false;
  }
  return true;
}
