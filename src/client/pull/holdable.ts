import { join } from "node:path";

import { lookAtName } from "../../host/files.js";
import { ancestorsOf } from "../../workspace/entry.js";
import type { Step } from "./steps.js";

/** The paths of a pull that would replace each other where the host's file system takes `a` and `A` for one name. */
export function findClashes(root: string, steps: readonly Step[]): string[] {
  if (!ignoresCase(root)) return [];
  const clashes = new Set<string>();
  const spellings = new Map<string, string>();
  for (const { path, after } of steps) {
    if (after === null) continue;
    for (const name of [...ancestorsOf(path), path]) {
      const folded = name.normalize("NFC").toLowerCase();
      const other = spellings.get(folded) ?? name;
      if (other !== name) clashes.add(path);
      spellings.set(folded, other);
    }
  }
  return [...clashes];
}

/** Whether a path stays in the tree and has a length that Linux accepts. */
export function isPlain(path: string): boolean {
  if (path === "" || Buffer.byteLength(path) > 4_000) return false;
  return path.split("/").every((part) => {
    return part !== "" && part !== "." && part !== ".." && !part.includes("\0") && Buffer.byteLength(part) <= 255;
  });
}

/** Whether the file system ignores case: it then finds the directory's last name in the other case too. */
function ignoresCase(root: string): boolean {
  const name = root.slice(root.lastIndexOf("/") + 1);
  const other = name === name.toLowerCase() ? name.toUpperCase() : name.toLowerCase();
  if (other === name) return false;
  const [here, there] = [lookAtName(root), lookAtName(join(root, "..", other))];
  return here !== null && there !== null && here.ino === there.ino && here.dev === there.dev;
}
